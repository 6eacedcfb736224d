//! Texts and bytes that are borrowed from a variable or counted.

use std::ops::Deref;
use std::rc::Rc;

pub(crate) type Text<'a> = Shared<'a, str>;
pub(crate) type Bytes<'a> = Shared<'a, [u8]>;

/// Something that is cheap to copy because nobody changes it.
#[derive(Debug)]
pub(crate) enum Shared<'a, T: ?Sized> {
    Borrowed(&'a T),
    Counted(Rc<T>),
}

impl<T: ?Sized> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        match self {
            Self::Borrowed(borrowed) => Self::Borrowed(borrowed),
            Self::Counted(counted) => Self::Counted(Rc::clone(counted)),
        }
    }
}

impl<T: ?Sized> Deref for Shared<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Borrowed(borrowed) => borrowed,
            Self::Counted(counted) => counted,
        }
    }
}
