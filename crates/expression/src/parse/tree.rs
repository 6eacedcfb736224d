//! The parser's tree as ours, macros expanded.
//!
//! Source: cel-go `parser/macro.go`, `cel/library.go` for the optional ones (0.27).

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, SourceInfo, operators};

use crate::ast::{Call, Element, Entry, Fold, Kind, Node, Optional, OptionalMap, Select, Step};
use crate::issue::{Issue, Place};
use crate::value::Constant;

/// Names that no iteration variable may have.
const RESERVED: [&str; 2] = ["@result", "__result__"];

pub(super) fn convert(
    source: &str,
    tree: IdedExpr,
    places: &SourceInfo,
) -> Result<Node, Vec<Issue>> {
    let mut conversion = Conversion {
        source,
        starts: source.char_indices().map(|(start, _)| start).collect(),
        places,
        issues: Vec::new(),
    };
    let node = conversion.node(tree);
    if conversion.issues.is_empty() {
        Ok(node)
    } else {
        Err(conversion.issues)
    }
}

struct Conversion<'a> {
    source: &'a str,
    /// The first byte of each character, which is how the parser counts.
    starts: Vec<usize>,
    places: &'a SourceInfo,
    issues: Vec<Issue>,
}

impl Conversion<'_> {
    fn node(&mut self, tree: IdedExpr) -> Node {
        let position = match &tree.expr {
            Expr::Literal(literal) if is_signed(literal) => self.sign(tree.id),
            _ => self.position(tree.id),
        };
        let kind = match tree.expr {
            Expr::Literal(literal) => Kind::Literal(constant(literal)),
            Expr::Ident(name) => Kind::Identifier(name),
            Expr::Select(select) => Kind::Select(Select {
                operand: Box::new(self.node(*select.operand)),
                field: select.field,
                test: select.test,
            }),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let optional = list.optional_indices;
                let elements = list.elements.into_iter().enumerate();
                Kind::List(
                    elements
                        .map(|(index, element)| Element {
                            value: self.node(element),
                            optional: optional.contains(&index),
                        })
                        .collect(),
                )
            }
            Expr::Map(map) => {
                let entries = map.entries.into_iter();
                Kind::Map(entries.filter_map(|entry| self.entry(entry.expr)).collect())
            }
            Expr::Struct(message) => Kind::Message(message.type_name),
            // Neither is written by a user: there are no macros for the parser to expand.
            Expr::Comprehension(_) | Expr::Unspecified => {
                self.report(position, "unspecified expression");
                Kind::Literal(Constant::Null)
            }
        };
        Node { position, kind }
    }

    fn entry(&mut self, entry: EntryExpr) -> Option<Entry> {
        match entry {
            EntryExpr::MapEntry(entry) => Some(Entry {
                key: self.node(entry.key),
                value: self.node(entry.value),
                optional: entry.optional,
            }),
            EntryExpr::StructField(_) => None,
        }
    }

    fn call(&mut self, call: CallExpr) -> Kind {
        let CallExpr {
            func_name: function,
            target,
            args,
        } = call;
        let target = target.map(|target| self.node(*target));
        let mut arguments: Vec<Node> = args
            .into_iter()
            .map(|argument| self.node(argument))
            .collect();
        match (function.as_str(), target) {
            (operators::OPT_SELECT | operators::OPT_INDEX, None) if arguments.len() == 2 => {
                let field = function == operators::OPT_SELECT;
                match (arguments.pop(), arguments.pop()) {
                    (Some(key), Some(operand)) => Kind::Optional(Box::new(Optional {
                        operand,
                        key,
                        field,
                    })),
                    _ => Kind::Literal(Constant::Null),
                }
            }
            ("has", None) if arguments.len() == 1 => self.has(arguments),
            (name, Some(target)) => match Macro::find(name, arguments.len()) {
                Some(found) => self.expand(found, target, arguments),
                None => Kind::Call(Call {
                    function,
                    target: Some(Box::new(target)),
                    arguments,
                }),
            },
            (_, None) => Kind::Call(Call {
                function,
                target: None,
                arguments,
            }),
        }
    }

    fn has(&mut self, mut arguments: Vec<Node>) -> Kind {
        match arguments.pop() {
            Some(Node {
                kind: Kind::Select(select),
                ..
            }) => Kind::Select(Select {
                test: true,
                ..select
            }),
            other => {
                let position = other.map_or(0, |argument| argument.position);
                self.report(position, "invalid argument to has() macro");
                Kind::Literal(Constant::Null)
            }
        }
    }

    fn expand(&mut self, found: Macro, target: Node, arguments: Vec<Node>) -> Kind {
        let mut arguments = arguments.into_iter();
        let (Some(variable), Some(first)) = (arguments.next(), arguments.next()) else {
            return Kind::Literal(Constant::Null);
        };
        let Kind::Identifier(name) = variable.kind else {
            self.report(variable.position, found.complaint());
            return Kind::Literal(Constant::Null);
        };
        if RESERVED.contains(&name.as_str()) {
            self.report(
                variable.position,
                "iteration variable overwrites accumulator variable",
            );
        }
        let step = match found {
            Macro::All => Step::All(first),
            Macro::Exists => Step::Exists(first),
            Macro::ExistsOne => Step::ExistsOne(first),
            Macro::Filter => Step::Filter(first),
            Macro::Map => match arguments.next() {
                None => Step::Map {
                    predicate: None,
                    result: first,
                },
                Some(result) => Step::Map {
                    predicate: Some(first),
                    result,
                },
            },
            Macro::OptionalMap { flat } => {
                return Kind::OptionalMap(Box::new(OptionalMap {
                    target,
                    variable: name,
                    body: first,
                    flat,
                }));
            }
        };
        Kind::Fold(Box::new(Fold {
            range: target,
            variable: name,
            step,
        }))
    }

    /// Where the sign of a number is, which the parser counts as its digits.
    fn sign(&self, id: u64) -> usize {
        let start = self.places.offset_for(id).map_or(0, |(start, _)| start);
        let before = usize::try_from(start)
            .ok()
            .and_then(|start| self.source.get(..start));
        let sign = before.and_then(|before| before.trim_end().strip_suffix('-'));
        sign.map_or_else(|| self.position(id), |before| before.chars().count())
    }

    /// The character where cel-go would point to.
    fn position(&self, id: u64) -> usize {
        let start = self.places.offset_for(id).map_or(0, |(start, _)| start);
        let start = usize::try_from(start).unwrap_or(0);
        self.starts.partition_point(|&character| character < start)
    }

    fn report(&mut self, position: usize, message: impl Into<String>) {
        self.issues.push(Issue {
            place: Some(Place::of(self.source, position)),
            message: message.into(),
        });
    }
}

#[derive(Clone, Copy)]
enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
    OptionalMap { flat: bool },
}

impl Macro {
    /// The macro that a call on a target with so many arguments is.
    fn find(name: &str, arguments: usize) -> Option<Self> {
        Some(match (name, arguments) {
            ("all", 2) => Self::All,
            ("exists", 2) => Self::Exists,
            ("exists_one", 2) => Self::ExistsOne,
            ("filter", 2) => Self::Filter,
            ("map", 2 | 3) => Self::Map,
            ("optMap", 2) => Self::OptionalMap { flat: false },
            ("optFlatMap", 2) => Self::OptionalMap { flat: true },
            _ => return None,
        })
    }

    /// What is said of a first argument that is no name.
    const fn complaint(self) -> &'static str {
        match self {
            Self::All | Self::Exists | Self::ExistsOne => "argument must be a simple name",
            Self::Filter | Self::Map => "argument is not an identifier",
            Self::OptionalMap { flat: false } => {
                "optMap() variable name must be a simple identifier"
            }
            Self::OptionalMap { flat: true } => {
                "optFlatMap() variable name must be a simple identifier"
            }
        }
    }
}

fn is_signed(literal: &LiteralValue) -> bool {
    match literal {
        LiteralValue::Int(int) => int.inner().is_negative(),
        LiteralValue::Double(double) => double.inner().is_sign_negative(),
        _ => false,
    }
}

fn constant(literal: LiteralValue) -> Constant {
    match literal {
        LiteralValue::Null => Constant::Null,
        LiteralValue::Boolean(truth) => Constant::Bool(truth.into_inner()),
        LiteralValue::Int(int) => Constant::Int(int.into_inner()),
        LiteralValue::UInt(uint) => Constant::Uint(uint.into_inner()),
        LiteralValue::Double(double) => Constant::Double(double.into_inner()),
        LiteralValue::String(text) => Constant::String(text.into_inner().into()),
        LiteralValue::Bytes(bytes) => Constant::Bytes(bytes.into_inner().into()),
    }
}
