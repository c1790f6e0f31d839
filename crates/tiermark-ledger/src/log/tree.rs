//! The tree over a growing list (RFC 6962, 2.1): its root, and short proofs about what it holds.
//!
//! A node that is complete never changes again, so those are stored, and nothing else:
//!
//! ```text
//! level 2           (2,0)                  a log of 7 leaves: 11 stored nodes. Its root is
//!                 /       \
//! level 1     (1,0)       (1,1)    (1,2)           node( (2,0), node( (1,2), (0,6) ) ).
//!             /   \       /   \    /   \
//! level 0    0     1     2     3  4     5    6
//! ```
//!
//! Every question is answered with a number of nodes that grows with the number of *bits* of the log's size.
//! The slow way, all leaves at once, is [`merkle::root`]; the tests hold this file against it.

use crate::Digest;
use crate::document::merkle;
use std::ops::Range;

/// Complete subtrees of a log: level 0 holds leaf hashes, node (l, i) covers leaves i*2^l .. (i+1)*2^l.
pub trait Nodes {
    /// Why a node cannot be had.
    type Error;

    /// One complete node.
    ///
    /// # Errors
    /// When it is not there, or cannot be read.
    fn node(&self, level: u8, index: u64) -> Result<Digest, Self::Error>;
}

/// A proof that does not prove what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofBroken {
    /// It is about a leaf that such a log cannot have, or about a log that shrank.
    #[error("there is no such leaf or smaller tree in a log of this size")]
    Outside,
    /// It has more or fewer hashes than such a proof has.
    #[error("the proof has not as many hashes as the sizes ask for")]
    Length,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    OtherRoot,
}

/// The root over the first `size` leaves.
///
/// # Errors
/// When a node cannot be had.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Digest, N::Error> {
    subtree(nodes, 0..size)
}

/// The nodes that become complete when leaf `index` is appended, bottom up: (level, index, hash).
///
/// # Errors
/// When a node to the left, which is complete already, cannot be had.
pub fn completed<N: Nodes>(nodes: &N, index: u64, leaf: Digest) -> Result<Vec<(u8, u64, Digest)>, N::Error> {
    let mut complete = vec![(0, index, leaf)];
    let (mut index, mut hash) = (index, leaf);
    // Each 1 at the end of the index is a left neighbour that has waited for this leaf.
    for level in 0..index.trailing_ones() as u8 {
        hash = merkle::node(nodes.node(level, index - 1)?, hash);
        index >>= 1;
        complete.push((level + 1, index, hash));
    }
    Ok(complete)
}

/// The proof that leaf `index` is in the log of `size` leaves: PATH(m, D\[n\]) of RFC 6962, 2.1.1.
///
/// For a leaf outside such a log it is empty, which [`verify_inclusion`] refuses.
///
/// # Errors
/// When a node cannot be had.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Digest>, N::Error> {
    let (mut leaves, mut path) = (0..size, Vec::new());
    while leaves.contains(&index) && leaves.end - leaves.start > 1 {
        let (left, right) = halves(&leaves);
        let (down, beside) = if left.contains(&index) { (left, right) } else { (right, left) };
        path.push(subtree(nodes, beside)?);
        leaves = down;
    }
    path.reverse();
    Ok(path)
}

/// The proof that a log of `new` leaves begins with that of `old`: PROOF(m, D\[n\]) of RFC 6962, 2.1.2.
///
/// It is empty for an empty old log and for equal ones, and for a log that shrank, which
/// [`verify_consistency`] refuses.
///
/// # Errors
/// When a node cannot be had.
pub fn consistency<N: Nodes>(nodes: &N, old: u64, new: u64) -> Result<Vec<Digest>, N::Error> {
    let (mut leaves, mut path) = (0..new, Vec::new());
    if old == 0 || old >= new {
        return Ok(path);
    }
    // Down to the subtree in which the old log ends; all others are wholly old or wholly new.
    while leaves.end != old {
        let (left, right) = halves(&leaves);
        let (down, beside) = if old <= left.end { (left, right) } else { (right, left) };
        path.push(subtree(nodes, beside)?);
        leaves = down;
    }
    if leaves.start != 0 {
        path.push(subtree(nodes, leaves)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that a leaf with this hash stands at `index` in the log with this size and root (RFC 9162, 2.1.3.2).
///
/// The size must come from where the root came from: trees of 3 and 4 leaves lead leaf 0 along paths of the
/// same shape, so a root alone does not tell how large its log is.
///
/// # Errors
/// What does not hold.
pub fn verify_inclusion(
    leaf: Digest,
    index: u64,
    size: u64,
    path: &[Digest],
    root: Digest,
) -> Result<(), ProofBroken> {
    if index >= size {
        return Err(ProofBroken::Outside);
    }
    let mut climb = Climb { node: index, last: size - 1 };
    let mut hash = leaf;
    for &beside in path {
        hash = match climb.next()? {
            Side::Left => merkle::node(beside, hash),
            Side::Right => merkle::node(hash, beside),
        };
    }
    climb.ended()?;
    same(hash, root)
}

/// Checks that the new log, a size and a root, begins with all leaves of the old one (RFC 9162, 2.1.4.2).
///
/// The RFC asks for 0 < old < new. Here an empty log begins every log, and a log begins itself.
///
/// # Errors
/// What does not hold.
pub fn verify_consistency(
    old: (u64, Digest),
    new: (u64, Digest),
    path: &[Digest],
) -> Result<(), ProofBroken> {
    match old.0 {
        size if size > new.0 => Err(ProofBroken::Outside),
        size if size == new.0 => no_path(path).and(same(old.1, new.1)).and(same_if_empty(old)),
        0 => no_path(path).and(same_if_empty(old)),
        _ => verify_growth(old, new, path),
    }
}

fn no_path(path: &[Digest]) -> Result<(), ProofBroken> {
    if path.is_empty() { Ok(()) } else { Err(ProofBroken::Length) }
}

fn same_if_empty((size, root): (u64, Digest)) -> Result<(), ProofBroken> {
    if size == 0 { same(root, merkle::root(&[])) } else { Ok(()) }
}

/// For 0 < old < new: climbs from the last complete node of the old log to both roots at once.
fn verify_growth(old: (u64, Digest), new: (u64, Digest), path: &[Digest]) -> Result<(), ProofBroken> {
    // An old log of 2^n leaves is one node, whose hash the verifier has already.
    let (first, path) = match path {
        path if old.0.is_power_of_two() => (old.1, path),
        [first, path @ ..] => (*first, path),
        [] => return Err(ProofBroken::Length),
    };
    let mut climb = Climb { node: old.0 - 1, last: new.0 - 1 };
    climb.up(climb.node.trailing_ones());
    let (mut old_hash, mut new_hash) = (first, first);
    for &beside in path {
        match climb.next()? {
            Side::Left => {
                old_hash = merkle::node(beside, old_hash);
                new_hash = merkle::node(beside, new_hash);
            }
            Side::Right => new_hash = merkle::node(new_hash, beside),
        }
    }
    climb.ended()?;
    same(old_hash, old.1).and(same(new_hash, new.1))
}

fn same(found: Digest, expected: Digest) -> Result<(), ProofBroken> {
    if found == expected { Ok(()) } else { Err(ProofBroken::OtherRoot) }
}

/// A verifier on its way up: the node where it stands, and the last node of that level (`fn`, `sn` in the RFC).
struct Climb {
    node: u64,
    last: u64,
}

/// Where the hash beside the way stands.
enum Side {
    Left,
    Right,
}

impl Climb {
    /// Takes the next hash of the path, and goes up to the parent of both.
    fn next(&mut self) -> Result<Side, ProofBroken> {
        if self.last == 0 {
            return Err(ProofBroken::Length);
        }
        let left = self.node % 2 == 1 || self.node == self.last;
        if left {
            // The last node of a level has no neighbour while it is even: it rises as it is. It is not 0, so it
            // has a bit to stop at.
            self.up(self.node.trailing_zeros());
        }
        self.up(1);
        Ok(if left { Side::Left } else { Side::Right })
    }

    fn up(&mut self, levels: u32) {
        self.node >>= levels;
        self.last >>= levels;
    }

    /// Whether the root is reached.
    fn ended(&self) -> Result<(), ProofBroken> {
        if self.last == 0 { Ok(()) } else { Err(ProofBroken::Length) }
    }
}

/// MTH(D\[a:b\]) for a range that halving reaches: a is a multiple of a power of two that is at least b - a.
fn subtree<N: Nodes>(nodes: &N, leaves: Range<u64>) -> Result<Digest, N::Error> {
    let (mut end, mut hash) = (leaves.end, None);
    while end > leaves.start {
        let level = (end - leaves.start).trailing_zeros();
        end -= 1 << level;
        let left = nodes.node(level as u8, end >> level)?;
        hash = Some(hash.map_or(left, |right| merkle::node(left, right)));
    }
    Ok(hash.unwrap_or_else(|| merkle::root(&[])))
}

/// Two or more leaves, cut after the largest power of two that is smaller than their number.
fn halves(leaves: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let middle = leaves.start + (1 << (leaves.end - leaves.start - 1).ilog2());
    (leaves.start..middle, middle..leaves.end)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;
    use crate::document::merkle::tests::{LINES, ROOTS};
    use data_encoding::HEXLOWER;
    use std::cell::Cell;
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    /// A log in memory, filled with what [`completed`] says.
    #[derive(Default)]
    pub(in crate::log) struct Memory(BTreeMap<(u8, u64), Digest>);

    impl Memory {
        pub(in crate::log) fn of(leaves: &[Digest]) -> Self {
            let mut log = Self::default();
            for (index, &leaf) in leaves.iter().enumerate() {
                for (level, index, hash) in completed(&log, index as u64, leaf).unwrap() {
                    assert_eq!(log.0.insert((level, index), hash), None, "a node is written once");
                }
            }
            log
        }
    }

    impl Nodes for Memory {
        type Error = (u8, u64);

        fn node(&self, level: u8, index: u64) -> Result<Digest, (u8, u64)> {
            self.0.get(&(level, index)).copied().ok_or((level, index))
        }
    }

    /// A log of any size whose leaves are all the same, so that a level has one hash; it counts the looks.
    struct Monotone {
        levels: Vec<Digest>,
        looks: Cell<u32>,
    }

    impl Monotone {
        fn new(leaf: Digest) -> Self {
            let levels = std::iter::successors(Some(leaf), |&hash| Some(merkle::node(hash, hash)));
            Self { levels: levels.take(64).collect(), looks: Cell::new(0) }
        }
    }

    impl Nodes for Monotone {
        type Error = Infallible;

        fn node(&self, level: u8, _: u64) -> Result<Digest, Infallible> {
            self.looks.set(self.looks.get() + 1);
            Ok(self.levels[usize::from(level)])
        }
    }

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves: Vec<Digest> =
            LINES.iter().map(|l| merkle::leaf(&HEXLOWER.decode(l.as_bytes()).unwrap())).collect();
        let log = Memory::of(&leaves);
        for (size, expected) in ROOTS.iter().enumerate() {
            assert_eq!(root(&log, size as u64).unwrap().to_string(), *expected, "{size} leaves");
        }
    }

    #[test]
    fn exactly_the_complete_nodes_are_stored() {
        for (size, expected) in [(0, 0), (1, 1), (2, 3), (7, 11), (8, 15), (100, 197)] {
            let log = Memory::of(&vec![Digest::of(b"leaf"); size]);
            assert_eq!(log.0.len(), expected, "{size} leaves");
        }
    }

    #[test]
    fn a_node_that_is_missing_is_named() {
        let log = Memory::of(&[Digest::of(b"leaf"); 6]);
        assert_eq!(root(&log, 7), Err((0, 6)));
        assert_eq!(inclusion(&log, 0, 8), Err((2, 1)));
        assert_eq!(completed(&log, 7, Digest::of(b"leaf")), Err((0, 6)));
    }

    #[test]
    fn what_is_not_in_the_log_has_no_proof() {
        let log = Memory::of(&[Digest::of(b"leaf"); 6]);
        let (five, six) = (root(&log, 5).unwrap(), root(&log, 6).unwrap());
        let path = inclusion(&log, 6, 6).unwrap();
        assert_eq!(verify_inclusion(Digest::of(b"leaf"), 6, 6, &path, six), Err(ProofBroken::Outside));
        let path = consistency(&log, 6, 5).unwrap();
        assert_eq!(verify_consistency((6, six), (5, five), &path), Err(ProofBroken::Outside));
    }

    #[test]
    fn an_empty_log_begins_every_log_and_only_with_its_own_root() {
        let empty = (0, merkle::root(&[]));
        let (some, other) = ((3, Digest::of(b"some")), Digest::of(b"other"));
        assert_eq!(verify_consistency(empty, some, &[]), Ok(()));
        assert_eq!(verify_consistency(empty, empty, &[]), Ok(()));
        assert_eq!(verify_consistency((0, other), some, &[]), Err(ProofBroken::OtherRoot));
        assert_eq!(verify_consistency((0, other), (0, other), &[]), Err(ProofBroken::OtherRoot));
        assert_eq!(verify_consistency(some, (3, other), &[]), Err(ProofBroken::OtherRoot));
        assert_eq!(verify_consistency(empty, some, &[other]), Err(ProofBroken::Length));
        assert_eq!(verify_consistency(some, some, &[other]), Err(ProofBroken::Length));
    }

    #[test]
    fn the_largest_log_needs_few_looks() {
        let leaf = Digest::of(b"leaf");
        let log = Monotone::new(leaf);
        let sizes = [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, (1 << 63) + 1, 0x5555_5555_5555_5555];
        for size in sizes {
            let all = root(&log, size).unwrap();
            for index in [0, 1, size / 3, size / 2, size - 2, size - 1] {
                log.looks.set(0);
                let path = inclusion(&log, index, size).unwrap();
                assert_eq!(verify_inclusion(leaf, index, size, &path, all), Ok(()), "{index} in {size}");
                let old = (index, root(&log, index).unwrap());
                let path = consistency(&log, index, size).unwrap();
                assert_eq!(verify_consistency(old, (size, all), &path), Ok(()), "{index} to {size}");
                completed(&log, index, leaf).unwrap();
                // Four answers, of at most two nodes a level each.
                assert!(log.looks.get() <= 4 * 2 * 64, "{} looks", log.looks.get());
            }
        }
    }
}
