//! The calls of the crate ort that cards use, with its signatures and without bodies: for a
//! compiler, where the crate itself cannot be had.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::path::Path;

#[derive(Debug)]
pub struct Error;
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub trait Element {}
impl Element for f32 {}
impl Element for f64 {}
impl Element for i64 {}
impl Element for bool {}

pub mod value {
    use super::*;

    pub struct Shape;
    pub struct Tensor<T>(PhantomData<T>);
    pub struct DynValue;

    impl<T: Element> Tensor<T> {
        pub fn from_array<const N: usize>(_: ([usize; N], Vec<T>)) -> Result<Tensor<T>> {
            unimplemented!()
        }
    }

    impl Tensor<String> {
        pub fn from_string_array<const N: usize>(
            _: ([usize; N], &[&str]),
        ) -> Result<Tensor<String>> {
            unimplemented!()
        }
    }

    impl DynValue {
        pub fn try_extract_tensor<T: Element>(&self) -> Result<(&Shape, &[T])> {
            unimplemented!()
        }

        pub fn try_extract_strings(&self) -> Result<(&Shape, Vec<String>)> {
            unimplemented!()
        }
    }
}

pub mod session {
    use super::*;

    pub struct Session;
    pub struct SessionBuilder;
    pub struct SessionInputValue<'v>(PhantomData<&'v ()>);
    pub struct SessionOutputs<'s>(PhantomData<&'s ()>);

    impl<T> From<value::Tensor<T>> for SessionInputValue<'_> {
        fn from(_: value::Tensor<T>) -> Self {
            unimplemented!()
        }
    }

    impl Session {
        pub fn builder() -> Result<SessionBuilder> {
            unimplemented!()
        }

        pub fn run<'s>(
            &'s mut self,
            _: Vec<(Cow<'_, str>, SessionInputValue<'_>)>,
        ) -> Result<SessionOutputs<'s>> {
            unimplemented!()
        }
    }

    impl SessionBuilder {
        pub fn with_config_entry(self, _: impl AsRef<str>, _: impl AsRef<str>) -> Result<Self> {
            unimplemented!()
        }

        pub fn commit_from_file(self, _: impl AsRef<Path>) -> Result<Session> {
            unimplemented!()
        }
    }

    impl std::ops::Index<&str> for SessionOutputs<'_> {
        type Output = value::DynValue;

        fn index(&self, _: &str) -> &value::DynValue {
            unimplemented!()
        }
    }
}

#[macro_export]
macro_rules! inputs {
    ($($name:expr => $value:expr),+ $(,)?) => (
        vec![$((
            std::borrow::Cow::<str>::from($name),
            $crate::session::SessionInputValue::<'_>::from($value),
        )),+]
    );
}
