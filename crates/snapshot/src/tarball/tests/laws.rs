use proptest::prelude::*;

use super::*;

/// No path is both a file and a directory.
fn any_files() -> impl Strategy<Value = Files> {
    let dirs = "([a-cé]{1,3}/){0,4}";
    let name = prop_oneof!["[x-z.]{0,9}y", "[x-z☺]{90,130}y"];
    let file = (dirs, name, "\\+?[ -~\n]{0,40}");
    let file = file.prop_map(|(dirs, name, content)| (format!("{dirs}{name}"), Some(content)));
    prop::collection::btree_map(file, Just(()), 0..12).prop_map(|map| map.into_keys().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(files in any_files()) {
        let fixture = Fixture::new();
        let archive = plain(&files);
        prop_assert_eq!(&plain(&files), &archive);
        let found = content(&fixture.extract(&archive).unwrap());
        let found: Files = found.into_iter().filter(|(_, content)| content.is_some()).collect();
        prop_assert_eq!(found, files);
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let fixture = Fixture::new();
        fixture.extract(&bytes).ok();
        fixture.extract(&[&[0x1f, 0x8b, 8, 0], &*bytes].concat()).ok();
        fixture.extract_tar(&bytes).ok();
    }

    #[test]
    fn mutations_never_panic_nor_escape(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        fix_sums in any::<bool>(),
    ) {
        let fixture = Fixture::new();
        let mut stream = gunzip(&plain(&awkward()));
        for (at, byte) in edits {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        if fix_sums {
            for block in stream.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
                block[148..156].fill(b' ');
                let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        if let Ok(snapshot) = fixture.extract_tar(&stream) {
            for (path, _) in snapshot.tree().walk() {
                prop_assert!(crate::path::is_clean(&path), "{}", path);
            }
        }
    }
}
