//! One value of every variant of an enum, for tests that must not forget one.

/// Each line is a pattern and its values: `every!(Fault { Fault::Name => [Fault::Name] })`. A variant without a line does not
/// compile; a line without a value of its own panics.
macro_rules! every {
    ($kind:ty { $($pattern:pat => $values:expr),+ $(,)? }) => {{
        let pattern_of = |value: &$kind| match value { $($pattern => stringify!($pattern)),+ };
        let mut every: Vec<$kind> = Vec::new();
        $(
            let before = every.len();
            every.extend($values);
            assert!(every.len() > before, "no value of {}", stringify!($pattern));
            for value in &every[before..] {
                assert_eq!(pattern_of(value), stringify!($pattern), "a value stands in another's line");
            }
        )+
        every
    }};
}

pub(crate) use every;
