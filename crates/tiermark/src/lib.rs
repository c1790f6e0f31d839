//! The two journeys: [`stamp`] marks frames before they leave, [`trace`] says whose copy a found file is.
//!
//! Here the rooms below meet: frames come out of files (`tiermark-frame`), a signed hand-over says what the mark will be
//! (`tiermark-ledger`), its first eight bytes go into the pixels and come out again (`tiermark-mark`). Two promises are
//! kept here: a line in the registry before a copy has its name, and verified signatures before anybody is named.
//! [`demo`] shows both journeys on sample frames, [`mod@bench`] measures them on anybody's.
//!
//! This crate does no arithmetic on samples, knows no bytes of formats and speaks to no terminal: `cli` does that.

pub mod anchor;
pub mod archive;
pub mod bench;
pub mod demo;
mod endurance;
pub mod inputs;
pub mod mhl;
mod ordered;
pub mod receive;
pub mod report;
mod rows;
mod secrets;
pub mod selftest;
mod shots;
mod sink;
pub mod stamp;
pub mod trace;
pub mod verdict;
pub mod wanted;

pub use archive::Archive;
pub use stamp::Stamper;
pub use tiermark_frame::{FrameSet, HashReading, Limits, WriteOptions};
pub use tiermark_ledger as ledger;
pub use tiermark_mark::Strength;
pub use trace::Tracer;

/// The name among `names` that a person probably meant by `name`, if one is near enough.
pub fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    /// Half of the letters alike, by Damerau and Levenshtein's distance.
    const NEAR: f64 = 0.5;
    let alike =
        |other: &str| strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let best = names.iter().copied().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(best) >= NEAR).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_name_that_was_meant() {
        let names = ["Shepherd Boy", "Fox and Sons", "원화 스튜디오"];
        assert_eq!(nearest("shepard boy", &names), Some("Shepherd Boy"));
        assert_eq!(nearest("원화스튜디오", &names), Some("원화 스튜디오"));
        assert_eq!(nearest("Wolf", &names), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
