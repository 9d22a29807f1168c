# The headers of a later host: its minor is one higher, and every structure has a field more but those that
# CONTRIBUTING.md, which is read first, lists as fixed.
FILENAME ~ /CONTRIBUTING.md$/ {
    if (/are fixed within a$/)
        listed = 1
    if (listed)
        for (i = 1; i <= NF; i++)
            if (match($i, /tsr_[a-z0-9_]+/) && ++n_fixed)
                fixed[substr($i, RSTART, RLENGTH)] = 1
    if (/^$/)
        listed = 0
    next
}
!n_fixed { exit 1 }
/^(typedef )?struct tsr_[a-z0-9_]+ \{/ { name = $0 ~ /^typedef/ ? $3 : $2 }
/^}( tsr_[a-z0-9_]+)?;/ && name {
    if (!(name in fixed))
        print "    const void *test_extra;"
    name = ""
}
/^#define TSR_ABI_MINOR / { $3 = $3 + 1 }
{ print }
