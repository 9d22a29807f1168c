# What preprocessed C (cc -E -P) declares by names of tsr_*: "function NAME", "variable NAME" or "type NAME" a line.
function declared(statement, kind)
{
    gsub(/__attribute__ *\(\([^()]*(\([^()]*\))?[^()]*\)\)/, "", statement)
    kind = statement ~ /^ *typedef/ ? "type" : statement ~ /\(/ ? "function" : "variable"
    if (kind == "type" ? statement ~ /\(/ : statement ~ /^ *(static|struct|enum)/)
        return
    if (kind == "function")
        sub(/ *\(.*/, "", statement)
    sub(/\[.*/, "", statement)
    sub(/ *$/, "", statement)
    sub(/.*[ *]/, "", statement)
    if (statement ~ /^tsr_/)
        print kind, statement
}
{ text = text $0 " " }
END {
    n = length(text)
    for (i = 1; i <= n; i++) {
        c = substr(text, i, 1)
        if (c == "{")
            depth++
        else if (c == "}") {
            depth--
            if (depth == 0 && statement ~ /\) *$/) # a function's body
                statement = ""
        } else if (depth == 0 && c != ";")
            statement = statement c
        else if (depth == 0) {
            declared(statement)
            statement = ""
        }
    }
}
