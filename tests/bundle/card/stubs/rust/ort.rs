// What the cards' programs use of the crate ort, as its version 2 declares it.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

pub struct Inputs;

#[macro_export]
macro_rules! inputs {
    ($($name:expr => $value:expr),+ $(,)?) => {{
        $(let _: (&str, &dyn $crate::value::Given) = ($name, &$value);)+
        $crate::Inputs
    }};
}

pub mod value {
    pub trait Given {}
    pub struct Tensor<T>(std::marker::PhantomData<T>);
    impl<T> Given for Tensor<T> {}
    impl<T> Tensor<T> {
        pub fn from_array(_: ([usize; 2], Vec<T>)) -> crate::Result<Tensor<T>> {
            unimplemented!()
        }
    }
    impl Tensor<String> {
        pub fn from_string_array(_: ([usize; 2], &[&str])) -> crate::Result<Tensor<String>> {
            unimplemented!()
        }
    }
    pub struct Found;
    impl Found {
        pub fn try_extract_tensor<T>(&self) -> crate::Result<(Vec<i64>, &[T])> {
            unimplemented!()
        }
        pub fn try_extract_strings(&self) -> crate::Result<(Vec<i64>, Vec<String>)> {
            unimplemented!()
        }
    }
}

pub mod session {
    pub struct Session;
    pub struct Builder;
    pub struct Outputs;
    impl std::ops::Index<&str> for Outputs {
        type Output = crate::value::Found;
        fn index(&self, _: &str) -> &Self::Output {
            unimplemented!()
        }
    }
    impl Session {
        pub fn builder() -> crate::Result<Builder> {
            unimplemented!()
        }
        pub fn run(&mut self, _: crate::Inputs) -> crate::Result<Outputs> {
            unimplemented!()
        }
    }
    impl Builder {
        pub fn with_config_entry(self, _: &str, _: &str) -> crate::Result<Builder> {
            unimplemented!()
        }
        pub fn commit_from_file(self, _: &str) -> crate::Result<Session> {
            unimplemented!()
        }
    }
}
