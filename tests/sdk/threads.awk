# Which of the four words for threads (tessera/base.h) each function of the headers has: "NAME WORD" a line. The word
# stands in the comment before it; functions that follow one another without a blank line share a comment. Fails,
# with the place, for a function whose comment has none of the words or several.
function word_of_comment()
{
    n = gsub(/\[(any-thread|one-thread|in-operation|shares-work)\]/, "&", comment)
    word = comment
    sub(/.*\[/, "", word)
    sub(/\].*/, "", word)
    return n == 1 ? word : ""
}
/\/\*/ && !/^#/ && !inside && /^ *\/\*/ {
    comment = ""
    inside = 1
}
inside {
    comment = comment $0 "\n"
    inside = !/\*\//
    next
}
/^$/ { comment = "" }
/^(TSR_API|static inline|\[\[noreturn\]\] inline) / || /^    [a-z_0-9 ]+\**\(\*[a-z_]+\)\(/ {
    name = statement = $0
    while (statement !~ /[(;]/ && (getline next_line) > 0)
        name = statement = statement " " next_line
    if (name ~ /\(\*/) {
        sub(/.*\(\*/, "", name)
        sub(/\).*/, "", name)
    } else {
        sub(/ *[(;].*/, "", name)
        sub(/.*[ *]/, "", name)
    }
    if (word_of_comment() == "") {
        print FILENAME ":" FNR ": " name ": the comment has " n " of the words for threads, expected one" >"/dev/stderr"
        failed = 1
    }
    print name, word
}
END { exit failed }
