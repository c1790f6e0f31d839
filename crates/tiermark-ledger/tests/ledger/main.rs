//! The ledger from outside: a studio that hands frames over, and those who would like to cheat.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

mod chain;
mod chain_vectors;
mod desk;
mod documents;
mod hostile;
mod log;
mod openssl;
mod registry;
mod story;
mod studio;
mod tiers;
