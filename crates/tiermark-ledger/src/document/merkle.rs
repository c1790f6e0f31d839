//! The root over a list of lines (RFC 6962, 2.1): one line can be shown later, the others stay private.

use crate::Digest;
use sha2::{Digest as _, Sha256};

/// The hash of one line: SHA-256(00 line), so that a line can never pass for an inner node.
pub fn leaf(line: &[u8]) -> Digest {
    let hash = Sha256::new_with_prefix([0]).chain_update(line);
    Digest::from_bytes(hash.finalize().into())
}

/// The root over the hashes of all lines.
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [one] => *one,
        many => {
            // The largest power of two below the count goes left; the depth is at most the bits of a length.
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            node(root(left), root(right))
        }
    }
}

/// What leads from one line's hash to the root: the hashes beside the way, lowest first.
pub fn path(leaves: &[Digest], index: usize) -> Vec<Digest> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut below, beside) = match index.checked_sub(left.len()) {
        None => (path(left, index), root(right)),
        Some(index) => (path(right, index), root(left)),
    };
    below.push(beside);
    below
}

/// The hash of an inner node: SHA-256(01 left right).
pub(crate) fn node(left: Digest, right: Digest) -> Digest {
    let hash = Sha256::new_with_prefix([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;
    use data_encoding::HEXLOWER;

    /// The lines and roots that implementations of Certificate Transparency test with.
    pub(crate) const LINES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    pub(crate) const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves: Vec<Digest> =
            LINES.iter().map(|l| leaf(&HEXLOWER.decode(l.as_bytes()).unwrap())).collect();
        for (count, expected) in ROOTS.iter().enumerate() {
            assert_eq!(root(&leaves[..count]).to_string(), *expected, "{count} leaves");
        }
    }

    #[test]
    fn a_path_leads_from_its_line_to_the_root() {
        for count in 1..20 {
            let leaves: Vec<Digest> = (0..count).map(|i: usize| leaf(&[i as u8])).collect();
            for (index, line) in leaves.iter().enumerate() {
                let path = path(&leaves, index);
                let verify = crate::log::tree::verify_inclusion;
                assert_eq!(
                    verify(*line, index as u64, count as u64, &path, root(&leaves)),
                    Ok(()),
                    "{index} of {count}"
                );
            }
        }
    }
}
