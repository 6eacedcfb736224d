//! Headers of the archives that we write: USTAR, preceded by a PAX header where a name does not
//! fit.
//!
//! The bytes are those of Go's `archive/tar` for a header with a name, a mode and a size, so that
//! our tar streams equal Flux's. Source: Go archive/tar/writer.go, format.go (1.26).

use super::pax;

/// Size of a tar block in bytes.
pub(super) const BLOCK: usize = 512;

/// The largest size that fits a USTAR header: 8 GiB - 1.
pub(super) const MAX_SIZE: u64 = (1 << 33) - 1;

const NAME: usize = 100;
const PREFIX: usize = 155;

/// Type flags of the entries that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    File = b'0' as isize,
    Dir = b'5' as isize,
    Pax = b'x' as isize,
}

/// Appends the header blocks of an entry; `size` is at most [`MAX_SIZE`].
pub(super) fn append(out: &mut Vec<u8>, name: &str, flag: Flag, mode: u64, size: u64) {
    if let Some((prefix, name)) = ustar(name) {
        out.extend_from_slice(&block(name, prefix, flag, mode, size));
        return;
    }
    let mut records = Vec::new();
    pax::append(&mut records, "path", name);
    let (dir, base) = crate::path::split(name);
    let own_name = ascii(&crate::path::join(dir, &format!("PaxHeaders.0/{base}")));
    out.extend_from_slice(&block(&own_name, "", Flag::Pax, 0, records.len() as u64));
    out.append(&mut records);
    pad(out);
    out.extend_from_slice(&block(&ascii(name), "", flag, mode, size));
}

/// Fills `out` up to a whole block.
pub(super) fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// Prefix and name as USTAR's two fields take them.
fn ustar(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= NAME {
        return Some(("", name));
    }
    // The longest prefix that fits; ASCII, so every byte is a boundary.
    let head = name.get(..name.len().min(PREFIX + 1))?;
    let (prefix, _) = head.rsplit_once('/')?;
    let rest = name.get(prefix.len() + 1..)?;
    (!prefix.is_empty() && !rest.is_empty() && rest.len() <= NAME).then_some((prefix, rest))
}

/// What a reader that knows no PAX sees.
fn ascii(name: &str) -> String {
    let mut ascii: String = name.chars().filter(char::is_ascii).collect();
    if ascii.len() > NAME {
        ascii.truncate(NAME);
        // With a slash at its end it would look like a directory.
        ascii.truncate(ascii.trim_end_matches('/').len());
    }
    ascii
}

fn block(name: &str, prefix: &str, flag: Flag, mode: u64, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    text(&mut block, 0, name);
    octal(&mut block, 100, 7, mode);
    octal(&mut block, 108, 7, 0); // uid
    octal(&mut block, 116, 7, 0); // gid
    octal(&mut block, 124, 11, size);
    octal(&mut block, 136, 11, 0); // mtime
    text(&mut block, 148, "        "); // checksum, as it counts itself
    text(
        &mut block,
        156,
        char::from(flag as u8).encode_utf8(&mut [0; 4]),
    );
    text(&mut block, 257, "ustar\x0000");
    if flag != Flag::Pax {
        octal(&mut block, 329, 7, 0); // device
        octal(&mut block, 337, 7, 0);
    }
    text(&mut block, 345, prefix);
    let sum = block.iter().map(|byte| u64::from(*byte)).sum();
    octal(&mut block, 148, 6, sum);
    text(&mut block, 154, "\0 ");
    block
}

fn text(block: &mut [u8; BLOCK], at: usize, text: &str) {
    for (slot, byte) in block.iter_mut().skip(at).zip(text.bytes()) {
        *slot = byte;
    }
}

fn octal(block: &mut [u8; BLOCK], at: usize, digits: usize, value: u64) {
    text(block, at, &format!("{value:0digits$o}"));
}
