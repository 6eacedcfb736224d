//! Where an include may be placed, as rename(2) would have it. The archives themselves are tested end to end, against
//! `git ls-tree`.

use super::*;

/// Members as words, `/` behind directories.
fn members(words: &str) -> Vec<Member<()>> {
    words
        .split_whitespace()
        .map(|word| match word.strip_suffix('/') {
            Some(path) => Member {
                path: path.to_owned(),
                kind: MemberKind::Dir,
            },
            None => Member {
                path: word.to_owned(),
                kind: MemberKind::File {
                    executable: false,
                    size: 0,
                    content: (),
                },
            },
        })
        .collect()
}

#[test]
fn an_include_goes_where_nothing_is() {
    const FILE: bool = true;
    const DIR: bool = false;
    // members, destination, kind of what comes, what is left or the error
    for (given, to, kind, expected) in [
        ("a b/c", "d", DIR, Ok("a b/c")),
        ("a b/c", "b/d", DIR, Ok("a b/c")),
        ("a b/c", "b", DIR, Err("file exists")),
        ("a b/c", "b", FILE, Err("file exists")),
        ("a b/c", "", DIR, Err("file exists")),
        ("", "", DIR, Ok("")),
        ("a bc/d", "b", DIR, Ok("a bc/d")),
        ("a b/", "b", DIR, Ok("a")),
        ("a b/", "b", FILE, Err("file exists")),
        ("a b", "b", FILE, Ok("a")),
        ("a b", "b", DIR, Err("not a directory")),
        ("a b", "b/c", DIR, Err("not a directory")),
    ] {
        let mut members = members(given);
        let got = make_room(&mut members, to, kind).map(|()| {
            let left: Vec<_> = members.iter().map(|member| &*member.path).collect();
            left.join(" ")
        });
        let expected = expected.map(ToOwned::to_owned).map_err(ToOwned::to_owned);
        assert_eq!(got, expected, "{given} {to}");
    }
}
