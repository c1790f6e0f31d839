//! What an outsider needs to see one leaf in a log (C2SP tlog-proof), in one text file.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index 5                                             which leaf, counted from 0
//! gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=        the hashes beside its way up, a line each
//! B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
//!
//! tiermark/log/5679a82bc1587767                       a signed checkpoint, to the end
//! ...
//! ```

use super::note::{self, NoteError};
use super::tree::{self, ProofBroken};
use super::{Checkpoint, SignedCheckpoint};
use crate::Digest;
use crate::document::merkle;
use crate::keys::PublicKey;
use data_encoding::BASE64;

/// The place of one leaf in a log, the hashes beside its way to the root, and the checkpoint with that root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Which leaf, counted from 0.
    pub index: u64,
    /// What [`tree::inclusion`] gave.
    pub path: Vec<Digest>,
    /// The log when the proof was made.
    pub checkpoint: SignedCheckpoint,
}

/// Why a proof cannot be read or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Too large for a proof.
    #[error("a proof may have at most {limit} bytes")]
    TooLarge {
        /// The limit that was passed.
        limit: usize,
    },
    /// Not a proof, or not in its one spelling.
    #[error("not a proof that something is in a log: {0}")]
    NotAProof(&'static str),
    /// It is about another log.
    #[error("the proof is about the log {0}")]
    OtherLog(String),
    /// Its checkpoint cannot be read or believed.
    #[error(transparent)]
    Checkpoint(#[from] NoteError),
    /// Its hashes do not lead from the leaf to the root.
    #[error(transparent)]
    Broken(#[from] ProofBroken),
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A log's size has 64 bits, and a way up has a hash for each at most.
const MAX_PATH: usize = 64;

impl TlogProof {
    /// Most bytes that are read: a checkpoint, 64 hashes of 45 bytes, and room for extra data.
    pub const MAX_BYTES: usize = SignedCheckpoint::MAX_BYTES + 16 * 1024;

    /// Checks that the log with this origin and key holds these bytes as a leaf.
    ///
    /// That the log says so is one signature only. When it said so, and that it says the same to everybody, comes
    /// from [`SignedCheckpoint::verify_cosignature`].
    ///
    /// # Errors
    /// When it is about another log, the log did not sign, or the hashes do not lead to the root.
    pub fn verify(&self, leaf: &[u8], origin: &str, log: &PublicKey) -> Result<(), ProofError> {
        let Checkpoint { origin: found, size, root } = self.checkpoint.checkpoint();
        if found != origin {
            return Err(ProofError::OtherLog(found.clone()));
        }
        self.checkpoint.verify_log(log)?;
        tree::verify_inclusion(merkle::leaf(leaf), self.index, *size, &self.path, *root)?;
        Ok(())
    }

    /// The proof as a `.tlog-proof` file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\nindex {}\n", self.index);
        for hash in &self.path {
            text.extend([&BASE64.encode(hash.as_bytes()), "\n"]);
        }
        text + "\n" + &self.checkpoint.to_text()
    }

    /// Reads a proof; nothing is checked.
    ///
    /// A line with extra data, which tlog-proof allows and no signature covers, is read over and not kept.
    ///
    /// # Errors
    /// When it is too large, not a proof, or otherwise not spelled as [`TlogProof::to_text`] would.
    pub fn parse(text: &[u8]) -> Result<Self, ProofError> {
        if text.len() > Self::MAX_BYTES {
            return Err(ProofError::TooLarge { limit: Self::MAX_BYTES });
        }
        let text = str::from_utf8(text).map_err(|_| ProofError::NotAProof("it is not UTF-8"))?;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(ProofError::NotAProof("no empty line ends its hashes"))?;
        let (index, path) = parse_head(head)?;
        Ok(Self { index, path, checkpoint: SignedCheckpoint::parse(checkpoint.as_bytes())? })
    }
}

fn parse_head(head: &str) -> Result<(u64, Vec<Digest>), ProofError> {
    let mut lines = head.split('\n').peekable();
    if lines.next() != Some(HEADER) {
        return Err(ProofError::NotAProof("its first line is another"));
    }
    if let Some(extra) = lines.next_if(|line| line.starts_with("extra ")) {
        let read = note::base64(&extra["extra ".len()..]);
        read.ok_or(ProofError::NotAProof("its extra data is not base64"))?;
    }
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(note::decimal);
    let index = index.ok_or(ProofError::NotAProof("it has no index"))?;
    let path: Option<Vec<Digest>> = lines.take(MAX_PATH + 1).map(note::base64_hash).collect();
    match path {
        None => Err(ProofError::NotAProof("a line that should be a hash is none")),
        Some(path) if path.len() > MAX_PATH => Err(ProofError::NotAProof("it has too many hashes")),
        Some(path) => Ok((index, path)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::super::checkpoint::tests::demo_key;
    use super::super::tree::tests::Memory;
    use super::*;

    const ORIGIN: &str = "tiermark/log/5679a82bc1587767";

    fn line(index: u64) -> Vec<u8> {
        format!("leaf {index}").into_bytes()
    }

    fn proof(index: u64, size: u64) -> TlogProof {
        let leaves: Vec<Digest> = (0..size).map(|i| merkle::leaf(&line(i))).collect();
        let nodes = Memory::of(&leaves);
        let checkpoint =
            Checkpoint { origin: ORIGIN.to_owned(), size, root: tree::root(&nodes, size).unwrap() };
        let checkpoint = SignedCheckpoint::sign(checkpoint, &demo_key("P/log")).unwrap();
        TlogProof { index, path: tree::inclusion(&nodes, index, size).unwrap(), checkpoint }
    }

    fn verify(proof: &TlogProof, index: u64) -> Result<(), ProofError> {
        proof.verify(&line(index), ORIGIN, &demo_key("P/log").public())
    }

    #[test]
    fn every_leaf_is_proved_and_no_other() {
        for index in 0..11 {
            let read = TlogProof::parse(proof(index, 11).to_text().as_bytes()).unwrap();
            assert_eq!(read, proof(index, 11));
            for other in 0..11 {
                assert_eq!(verify(&read, other).is_ok(), other == index, "{index} as {other}");
            }
        }
    }

    #[test]
    fn a_proof_is_written_as_tlog_proof_says() {
        let one = proof(0, 1);
        let expected = format!("{HEADER}\nindex 0\n\n{}", one.checkpoint.to_text());
        assert_eq!(one.to_text(), expected);
        assert_eq!(TlogProof::parse(expected.as_bytes()), Ok(one));
        let two = proof(1, 2);
        let beside = BASE64.encode(merkle::leaf(&line(0)).as_bytes());
        assert_eq!(two.to_text(), format!("{HEADER}\nindex 1\n{beside}\n\n{}", two.checkpoint.to_text()));
    }

    #[test]
    fn the_wrong_log_and_the_wrong_key_prove_nothing() {
        let (proof, key) = (proof(3, 11), demo_key("P/log").public());
        let other = ProofError::OtherLog(ORIGIN.to_owned());
        assert_eq!(proof.verify(&line(3), "tiermark/log/other", &key), Err(other));
        let not_signed = ProofError::Checkpoint(NoteError::NotSigned { name: ORIGIN.to_owned() });
        assert_eq!(proof.verify(&line(3), ORIGIN, &demo_key("A/log").public()), Err(not_signed));
    }

    #[test]
    fn a_bent_proof_does_not_hold() {
        let text = proof(5, 11).to_text();
        for i in 0..text.len() {
            for bit in [1, 2, 4] {
                let mut bent = text.as_bytes().to_vec();
                bent[i] ^= bit;
                let believed = TlogProof::parse(&bent).and_then(|proof| verify(&proof, 5));
                assert!(believed.is_err(), "byte {i}, bit {bit}");
            }
        }
    }

    #[test]
    fn extra_data_is_read_over() {
        let text = proof(5, 11).to_text();
        let extra = |data: &str| text.replace("index", &format!("extra {data}\nindex"));
        assert_eq!(TlogProof::parse(extra("AAAA").as_bytes()), Ok(proof(5, 11)));
        for bad in ["AAA", "AAAA AAAA", "AAAA\nextra AAAA"] {
            assert!(TlogProof::parse(extra(bad).as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_proof_has_one_spelling() {
        let text = proof(5, 11).to_text();
        let hash = text.lines().nth(2).unwrap();
        let others = [
            text.replace("@v1", "@v2"),
            text.replace("index 5", "index 05"),
            text.replace("index 5", "index +5"),
            text.replace("index 5", "index 5 "),
            text.replace("index 5", "index"),
            text.replace("index 5\n", ""),
            text.replace("index 5\n", "index 5\n\n"),
            text.replace(hash, hash.trim_end_matches('=')),
            text.replace(hash, "AAAA"),
            text.replace('\n', "\r\n"),
            text.replace(hash, format!("{hash}\n").repeat(65).trim_end()),
            format!("\n{text}"),
            format!("{text}\n"),
            String::new(),
        ];
        for other in others {
            assert!(TlogProof::parse(other.as_bytes()).is_err(), "{other}");
        }
        for cut in 0..text.len() {
            assert!(TlogProof::parse(&text.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
        let long = vec![b'\n'; TlogProof::MAX_BYTES + 1];
        assert!(matches!(TlogProof::parse(&long), Err(ProofError::TooLarge { .. })));
    }
}
