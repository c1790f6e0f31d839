//! What do our parsers do with bytes that nobody of ours wrote?
//!
//! One module per target, each with one function `feed`: it parses, goes as deep as the bytes allow, and panics where a
//! promise of the ledger is broken (what is read is written again as it was; a bound holds). Errors are what is expected.
//!
//! libFuzzer calls these functions from `fuzz_targets/`; the ordinary tests call them with every seed, cut and bent
//! (`crates/tiermark-ledger/tests/ledger/hostile.rs`), so that both mean the same by "parser". No coverage, no mutation
//! and no flag is here: that is libFuzzer's.

pub mod bundle;
pub mod checkpoint;
pub mod custody;
pub mod envelope;
pub mod filing;
pub mod lists;
pub mod mutate;
pub mod names;
pub mod packet;
pub mod proof;
pub mod script;

/// A folder for what a target writes: in memory where the system has that, because a registry waits for its disk.
fn scratch() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}
