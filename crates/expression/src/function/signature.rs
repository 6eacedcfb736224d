//! Signatures, written `(string, A) -> bool` or `list(A).(int) -> A`.

use crate::static_type::StaticType;

/// One way to call a function.
#[derive(Debug)]
pub(crate) struct Overload {
    /// It is called on its first argument.
    pub(crate) member: bool,
    pub(crate) arguments: Vec<StaticType>,
    pub(crate) result: StaticType,
    /// The parameters in it.
    pub(crate) parameters: Vec<char>,
}

impl Overload {
    /// Reads a signature of the table. What is no type is dynamic; a test reads them all.
    pub(super) fn read(text: &str) -> Self {
        let mut reader = Reader { rest: text };
        let mut arguments = Vec::new();
        let member = !text.starts_with('(');
        if member {
            arguments.push(reader.read_type());
            reader.skip(".");
        }
        reader.skip("(");
        while !reader.rest.is_empty() && !reader.skip(")") {
            arguments.push(reader.read_type());
            reader.skip(", ");
        }
        reader.skip(" -> ");
        let result = reader.read_type();
        let mut parameters = Vec::new();
        for part in arguments.iter().chain([&result]) {
            collect(part, &mut parameters);
        }
        Self {
            member,
            arguments,
            result,
            parameters,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn read_type(&mut self) -> StaticType {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic);
        let (name, rest) = self
            .rest
            .split_at_checked(letters.count())
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        match name {
            "list" => StaticType::list(self.read_part()),
            "optional" => StaticType::optional(self.read_part()),
            "type" => StaticType::of_type(self.read_part()),
            "map" => {
                self.skip("(");
                let key = self.read_type();
                self.skip(", ");
                let value = self.read_type();
                self.skip(")");
                StaticType::map(key, value)
            }
            "timestamp" => StaticType::Timestamp,
            "duration" => StaticType::Duration,
            name => match (name.len(), name.chars().next()) {
                (1, Some(letter)) => StaticType::Parameter(letter),
                _ => StaticType::named(name).map_or(StaticType::Dyn, |(named, _)| named),
            },
        }
    }

    fn read_part(&mut self) -> StaticType {
        self.skip("(");
        let part = self.read_type();
        self.skip(")");
        part
    }
}

fn collect(part: &StaticType, parameters: &mut Vec<char>) {
    if let StaticType::Parameter(letter) = part
        && !parameters.contains(letter)
    {
        parameters.push(*letter);
    }
    for part in part.parts() {
        collect(part, parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::Overload;

    #[test]
    fn reads_what_it_would_print() {
        for (text, member, arguments) in [
            ("(bool, A, A) -> A", false, "bool, A, A"),
            (
                "optional(map(K, V)).(K) -> optional(V)",
                true,
                "optional_type(map(K, V)), K",
            ),
            ("() -> optional(V)", false, ""),
            ("string.(list(dyn)) -> string", true, "string, list(dyn)"),
        ] {
            let overload = Overload::read(text);
            let read: Vec<_> = overload.arguments.iter().map(ToString::to_string).collect();
            assert_eq!(
                (overload.member, read.join(", ").as_str()),
                (member, arguments)
            );
        }
    }
}
