//! The log's tree against the slow definitions, against another implementation, and against bent proofs.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use sha2::Sha256;
use std::collections::BTreeMap;
use tiermark_ledger::Digest;
use tiermark_ledger::document::merkle;
use tiermark_ledger::log::tree::{Nodes, completed, consistency, inclusion, root};
use tiermark_ledger::log::tree::{verify_consistency, verify_inclusion};

/// Seven levels, the seventh hardly begun: every shape of right edge.
const SIZES: u64 = 70;

#[derive(Default)]
struct Memory(BTreeMap<(u8, u64), Digest>);

impl Nodes for Memory {
    type Error = (u8, u64);

    fn node(&self, level: u8, index: u64) -> Result<Digest, (u8, u64)> {
        self.0.get(&(level, index)).copied().ok_or((level, index))
    }
}

/// A log, with the leaves from which the slow way works and all its roots.
struct Log {
    leaves: Vec<Digest>,
    nodes: Memory,
    roots: Vec<Digest>,
}

impl Log {
    fn of(lines: &[Vec<u8>]) -> Self {
        let leaves: Vec<Digest> = lines.iter().map(|line| merkle::leaf(line)).collect();
        let mut nodes = Memory::default();
        for (index, &leaf) in leaves.iter().enumerate() {
            let complete = completed(&nodes, index as u64, leaf).unwrap();
            nodes.0.extend(complete.into_iter().map(|(level, index, hash)| ((level, index), hash)));
        }
        let roots = (0..=leaves.len() as u64).map(|size| root(&nodes, size).unwrap()).collect();
        Self { leaves, nodes, roots }
    }

    fn small() -> Self {
        let lines: Vec<Vec<u8>> = (0..SIZES).map(|i| i.to_string().into_bytes()).collect();
        Self::of(&lines)
    }

    fn tree(&self, size: u64) -> (u64, Digest) {
        (size, self.roots[size as usize])
    }

    fn includes(&self, index: u64, size: u64, path: &[Digest]) -> bool {
        verify_inclusion(self.leaves[index as usize], index, size, path, self.tree(size).1).is_ok()
    }

    fn grew(&self, old: u64, new: u64, path: &[Digest]) -> bool {
        verify_consistency(self.tree(old), self.tree(new), path).is_ok()
    }

    fn inclusion(&self, index: u64, size: u64) -> Vec<Digest> {
        inclusion(&self.nodes, index, size).unwrap()
    }

    fn consistency(&self, old: u64, new: u64) -> Vec<Digest> {
        consistency(&self.nodes, old, new).unwrap()
    }
}

/// PATH(m, D[n]), word for word as RFC 6962, 2.1.1 has it.
fn slow_inclusion(m: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, beside) = match m.checked_sub(left.len()) {
        None => (slow_inclusion(m, left), right),
        Some(m) => (slow_inclusion(m, right), left),
    };
    path.push(merkle::root(beside));
    path
}

/// SUBPROOF(m, D[n], b), word for word as RFC 6962, 2.1.2 has it.
fn slow_consistency(m: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![merkle::root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, beside) = match m.checked_sub(left.len()) {
        None | Some(0) => (slow_consistency(m, left, whole), right),
        Some(m) => (slow_consistency(m, right, false), left),
    };
    path.push(merkle::root(beside));
    path
}

/// Every way to bend a path by one hash: a bit turned, one dropped, doubled, swapped or added.
fn bent(path: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = Vec::new();
    let mut keep = |change: &dyn Fn(&mut Vec<Digest>)| {
        let mut other = path.to_vec();
        change(&mut other);
        if other != path {
            all.push(other);
        }
    };
    for i in 0..path.len() {
        let turned = |bit: usize| {
            let mut bytes = *path[i].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            Digest::from_bytes(bytes)
        };
        // Not all 256 bits: a hash has no bit that counts less than another.
        for bit in [0, 37 * (i + 1) % 256, 255] {
            keep(&|other| other[i] = turned(bit));
        }
        keep(&|other| _ = other.remove(i));
        keep(&|other| other.insert(i, path[i]));
        keep(&|other| other.swap(0, i));
    }
    keep(&|other| other.push(Digest::of(b"more")));
    keep(&|other| other.insert(0, Digest::of(b"more")));
    all
}

#[test]
fn roots_and_paths_are_those_of_the_slow_way() {
    let log = Log::small();
    for size in 0..=SIZES {
        let leaves = &log.leaves[..size as usize];
        assert_eq!(log.tree(size).1, merkle::root(leaves), "root of {size}");
        for index in 0..size {
            let path = log.inclusion(index, size);
            assert_eq!(path, slow_inclusion(index as usize, leaves), "{index} in {size}");
            assert!(log.includes(index, size, &path), "{index} in {size}");
        }
        for old in 0..=size {
            let path = log.consistency(old, size);
            let slow = if old == 0 { Vec::new() } else { slow_consistency(old as usize, leaves, true) };
            assert_eq!(path, slow, "{old} to {size}");
            assert!(log.grew(old, size, &path), "{old} to {size}");
        }
    }
}

#[test]
fn a_bent_path_proves_nothing() {
    let log = Log::small();
    for size in 0..=SIZES {
        for index in 0..size {
            for path in bent(&log.inclusion(index, size)) {
                assert!(!log.includes(index, size, &path), "{index} in {size}");
            }
        }
        for old in 0..=size {
            for path in bent(&log.consistency(old, size)) {
                assert!(!log.grew(old, size, &path), "{old} to {size}");
            }
        }
    }
}

#[test]
fn a_path_proves_one_leaf_in_one_log() {
    let log = Log::small();
    for size in 1..=SIZES {
        for index in 0..size {
            let path = log.inclusion(index, size);
            let leaf = log.leaves[index as usize];
            for other in (0..SIZES).filter(|&other| other != index) {
                let moved = verify_inclusion(leaf, other, size, &path, log.tree(size).1);
                assert!(moved.is_err(), "{index} as {other} in {size}");
            }
            for other in (index + 1..=SIZES).filter(|&other| other != size) {
                assert!(!log.includes(index, other, &path), "{index} in {other}, not {size}");
            }
        }
    }
}

#[test]
fn a_path_proves_one_growth() {
    let log = Log::small();
    for new in 1..=SIZES {
        // From nothing and from itself, every log grows without a word.
        for old in 1..new {
            let path = log.consistency(old, new);
            for other in (0..=SIZES).filter(|&other| other != old) {
                assert!(!log.grew(other, new, &path), "{other} to {new}, not {old}");
            }
            for other in (0..=SIZES).filter(|&other| other != new) {
                assert!(!log.grew(old, other, &path), "{old} to {other}, not {new}");
            }
            let shrunk = verify_consistency(log.tree(new), log.tree(old), &path);
            assert!(shrunk.is_err(), "{new} to {old}");
        }
    }
}

#[test]
fn a_rewritten_past_has_no_proof() {
    let log = Log::small();
    let mut lines: Vec<Vec<u8>> = (0..SIZES).map(|i| i.to_string().into_bytes()).collect();
    lines[20] = b"rewritten".to_vec();
    let forged = Log::of(&lines);
    for old in 21..SIZES {
        for path in [log.consistency(old, SIZES), forged.consistency(old, SIZES)] {
            assert!(verify_consistency(log.tree(old), forged.tree(SIZES), &path).is_err(), "from {old}");
        }
    }
}

/// The other hand: <https://crates.io/crates/ct-merkle>.
#[test]
fn another_implementation_makes_and_takes_the_same_proofs() {
    let mut chance = fastrand::Rng::with_seed(6962);
    for _ in 0..60 {
        let size = chance.u64(1..=1_000);
        let lines: Vec<Vec<u8>> = (0..size).map(|_| chance.u64(..).to_be_bytes().to_vec()).collect();
        let log = Log::of(&lines);
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        lines.iter().for_each(|line| theirs.push(line.clone()));
        let our_root = |size| RootHash::<Sha256>::new((*log.tree(size).1.as_bytes()).into(), size);
        assert_eq!(theirs.root().as_bytes()[..], log.tree(size).1.as_bytes()[..], "root of {size}");
        for _ in 0..20 {
            let index = chance.u64(0..size);
            let ours = joined(&log.inclusion(index, size));
            assert_eq!(theirs.prove_inclusion(index as usize).as_bytes(), ours, "{index} in {size}");
            let proof = InclusionProof::try_from_bytes(ours).unwrap();
            our_root(size).verify_inclusion(&lines[index as usize], index, &proof).unwrap();

            let old = chance.u64(1..=size);
            let ours = joined(&log.consistency(old, size));
            let added = (size - old) as usize;
            assert_eq!(theirs.prove_consistency(added).as_bytes(), ours, "{old} to {size}");
            let proof = ConsistencyProof::try_from_bytes(ours).unwrap();
            our_root(size).verify_consistency(&our_root(old), &proof).unwrap();
        }
    }
}

fn joined(path: &[Digest]) -> Vec<u8> {
    path.iter().flat_map(Digest::as_bytes).copied().collect()
}
