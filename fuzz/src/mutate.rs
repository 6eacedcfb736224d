//! A small, repeatable mutator, so that the targets' bodies run in ordinary tests, too.

/// Texts that matter to the parsers.
const TOKENS: [&str; 32] = [
    "\n",
    "  ",
    "- ",
    ": ",
    "? ",
    "---\n",
    "...\n",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!x ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "#",
    "\t",
    "\u{feff}",
    "null",
    "0x",
    ".inf",
    "\\",
    "/",
    "..",
    "$patch: delete\n",
    "kind: List\n",
    "resources: [.]\n",
];

/// A generator of numbers: xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or(0)
    }
}

/// Changes `seed` in a few places, taking pieces of `other`.
pub(crate) fn mutate(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(40)).min(bytes.len());
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            2 if !other.is_empty() => {
                let from = random.below(other.len());
                let piece = &other[from..(from + random.below(60)).min(other.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            3 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            4 => {
                let piece = TOKENS[random.below(TOKENS.len())].repeat(1 + random.below(3));
                bytes.splice(at..at, piece.into_bytes());
            }
            _ => {
                let piece = TOKENS[random.below(TOKENS.len())];
                bytes.splice(at..end, piece.bytes());
            }
        }
    }
    bytes
}
