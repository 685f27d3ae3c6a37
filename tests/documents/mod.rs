//! The sample documents of invented people: are they what they claim to be?

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod health_book;
mod judicial;
mod kinds;
pub use kinds::SAMPLES;
