//! Tags and the directives `%YAML` and `%TAG`.

use crate::error::Fault;

use super::{Scanner, TagParts, Token, TokenKind};

impl Scanner<'_> {
    pub(super) fn scan_directive(&mut self) -> Result<Token, Fault> {
        let mark = self.cursor.mark();
        let line = mark.line;
        self.cursor.skip_ascii(1);
        let start = self.cursor.pos;
        while self.cursor.is_word(0) {
            self.cursor.skip_ascii(1);
        }
        let name = self.cursor.slice(start, self.cursor.pos);
        if name.is_empty() {
            return Err(self.fault_in(line, "could not find expected directive name"));
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.fault_in(line, "found unexpected non-alphabetical character"));
        }
        let kind = match name {
            "YAML" => self.scan_version(line)?,
            "TAG" => self.scan_tag_directive(line)?,
            _ => return Err(self.fault_in(line, "found unknown directive name")),
        };
        self.skip_blanks();
        if self.cursor.at(0) == b'#' {
            self.skip_comment();
        }
        if !self.cursor.is_break_or_end(0) {
            return Err(self.fault_in(line, "did not find expected comment or line break"));
        }
        self.cursor.skip_break();
        Ok(Token::new(kind, mark))
    }

    fn skip_blanks(&mut self) {
        while self.cursor.is_blank(0) {
            self.cursor.skip_ascii(1);
        }
    }

    fn scan_version(&mut self, line: usize) -> Result<TokenKind, Fault> {
        self.skip_blanks();
        let major = self.scan_version_number(line)?;
        if self.cursor.at(0) != b'.' {
            let problem = "did not find expected digit or '.' character";
            return Err(self.fault_in(line, problem));
        }
        self.cursor.skip_ascii(1);
        let minor = self.scan_version_number(line)?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    fn scan_version_number(&mut self, line: usize) -> Result<u8, Fault> {
        let mut digits = 0;
        let mut number = 0;
        while let digit @ b'0'..=b'9' = self.cursor.at(0) {
            digits += 1;
            if digits > 2 {
                return Err(self.fault_in(line, "found extremely long version number"));
            }
            number = number * 10 + (digit - b'0');
            self.cursor.skip_ascii(1);
        }
        if digits == 0 {
            return Err(self.fault_in(line, "did not find expected version number"));
        }
        Ok(number)
    }

    fn scan_tag_directive(&mut self, line: usize) -> Result<TokenKind, Fault> {
        self.skip_blanks();
        let handle = self.scan_handle(line, true)?;
        if !self.cursor.is_blank(0) {
            return Err(self.fault_in(line, "did not find expected whitespace"));
        }
        self.skip_blanks();
        let suffix = self.scan_uri("", line)?;
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.fault_in(line, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective(Box::new(TagParts {
            handle,
            suffix,
        })))
    }

    /// Reads `!<uri>`, `!handle!suffix`, `!suffix` or `!`.
    pub(super) fn scan_tag(&mut self) -> Result<Token, Fault> {
        let mark = self.cursor.mark();
        let line = mark.line;
        let (handle, suffix) = if self.cursor.at(1) == b'<' {
            self.cursor.skip_ascii(2);
            let uri = self.scan_uri("", line)?;
            if self.cursor.at(0) != b'>' {
                return Err(self.fault_in(line, "did not find the expected '>'"));
            }
            self.cursor.skip_ascii(1);
            (String::new(), uri)
        } else {
            let handle = self.scan_handle(line, false)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.scan_uri("", line)?;
                (handle, suffix)
            } else {
                let suffix = self.scan_uri(&handle, line)?;
                // The lone `!` has no handle.
                if suffix.is_empty() {
                    (suffix, "!".to_owned())
                } else {
                    ("!".to_owned(), suffix)
                }
            }
        };
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.fault_in(line, "did not find expected whitespace or line break"));
        }
        let kind = TokenKind::Tag(Box::new(TagParts { handle, suffix }));
        Ok(Token::new(kind, mark))
    }

    fn scan_handle(&mut self, line: usize, directive: bool) -> Result<String, Fault> {
        if self.cursor.at(0) != b'!' {
            return Err(self.fault_in(line, "did not find expected '!'"));
        }
        let start = self.cursor.pos;
        self.cursor.skip_ascii(1);
        while self.cursor.is_word(0) {
            self.cursor.skip_ascii(1);
        }
        if self.cursor.at(0) == b'!' {
            self.cursor.skip_ascii(1);
        } else if directive && self.cursor.pos - start != 1 {
            return Err(self.fault_in(line, "did not find expected '!'"));
        }
        Ok(self.cursor.slice(start, self.cursor.pos).to_owned())
    }

    /// Reads the characters of a URI after `head`, whose leading `!` does not belong to it.
    fn scan_uri(&mut self, head: &str, line: usize) -> Result<String, Fault> {
        let mut uri = head.get(1..).unwrap_or_default().to_owned();
        let mut found = !head.is_empty();
        loop {
            let byte = self.cursor.at(0);
            if byte == b'%' {
                self.scan_uri_escape(&mut uri, line)?;
            } else if self.cursor.is_word(0) || b";/?:@&=+$,.!~*'()[]".contains(&byte) {
                uri.push(char::from(byte));
                self.cursor.skip_ascii(1);
            } else {
                break;
            }
            found = true;
        }
        if found {
            Ok(uri)
        } else {
            Err(self.fault_in(line, "did not find expected tag URI"))
        }
    }

    /// Reads one character written as `%` escapes of its UTF-8 bytes.
    fn scan_uri_escape(&mut self, uri: &mut String, line: usize) -> Result<(), Fault> {
        let mut bytes = Vec::with_capacity(4);
        let mut width = 1;
        while bytes.len() < width {
            let high = char::from(self.cursor.at(1)).to_digit(16);
            let low = char::from(self.cursor.at(2)).to_digit(16);
            let octet = match (self.cursor.at(0), high, low) {
                (b'%', Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or(0),
                _ => return Err(self.fault_in(line, "did not find URI escaped octet")),
            };
            if bytes.is_empty() {
                width = match octet {
                    0x00..=0x7F => 1,
                    0xC0..=0xDF => 2,
                    0xE0..=0xEF => 3,
                    0xF0..=0xF7 => 4,
                    _ => {
                        let problem = "found an incorrect leading UTF-8 octet";
                        return Err(self.fault_in(line, problem));
                    }
                };
            } else if octet & 0xC0 != 0x80 {
                return Err(self.fault_in(line, "found an incorrect trailing UTF-8 octet"));
            }
            bytes.push(octet);
            self.cursor.skip_ascii(3);
        }
        uri.push_str(&String::from_utf8_lossy(&bytes));
        Ok(())
    }
}
