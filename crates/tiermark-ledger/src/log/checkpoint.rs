//! A checkpoint (C2SP tlog-checkpoint): how large a log is, and its root; signed by the log, cosigned by others.
//!
//! ```text
//! tiermark/log/5679a82bc1587767                        origin: which log
//! 11                                                   size
//! x7SX8+iYof2vx7c5+b5jd85fXT6Ixcct+wgxwE3270I=         root
//!
//! — tiermark/log/5679a82bc1587767 lzUwztB2...          the log, over the three lines
//! — tiermark/party/95f2883b254be270 bP3PEQAAAABps...   a witness, over a time and the three lines
//! ```
//!
//! Whether a witness *should* cosign, because the log has only grown since it looked last, is for the witness
//! to find out: see [`verify_consistency`](super::tree::verify_consistency).

use super::note::{self, COSIGNATURE, ED25519, Note, NoteError};
use crate::keys::{PublicKey, Signer};
use crate::{Digest, Moment};
use data_encoding::BASE64;

/// What a log is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is, and the name of its key: no spaces, no plus sign.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

impl Checkpoint {
    /// The three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.as_bytes()))
    }

    /// Reads the three lines. Extension lines are refused: an auditor of the tree cannot check what they say.
    fn parse(text: &str) -> Result<Self, NoteError> {
        let [origin, size, root, ""] = text.split('\n').collect::<Vec<_>>()[..] else {
            return Err(NoteError::NotANote("its text is not origin, size and root"));
        };
        note::checked_name(origin)?;
        // 63 bits, as Go's `tlog` has them: a registry keeps no larger number.
        let size = note::decimal(size).filter(|&size| i64::try_from(size).is_ok());
        let size = size.ok_or(NoteError::NotANote("its size is no number"))?;
        let root = note::base64_hash(root).ok_or(NoteError::NotANote("its root is no hash"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// A checkpoint with signatures that nobody has checked yet.
///
/// Lines by unknown signers are kept as they came: another reader may know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Most bytes that are read, and written.
    pub const MAX_BYTES: usize = note::MAX_BYTES;

    /// Signs a checkpoint as its log. Never sign a tree that is not on disk: a log that forgets looks like fraud.
    ///
    /// # Errors
    /// When the origin is no name.
    pub fn sign(checkpoint: Checkpoint, log: &Signer) -> Result<Self, NoteError> {
        let mut note = Note::unsigned(checkpoint.text());
        let signature = log.sign(note.text().as_bytes());
        note.add(&checkpoint.origin, ED25519, &log.public(), &signature)?;
        Ok(Self { checkpoint, note })
    }

    /// Adds a witness's word that at this time it saw this log, no larger, and grown only (tlog-cosignature v1).
    ///
    /// A key cosigns under one name only: the name is not under the signature.
    ///
    /// # Errors
    /// When the name is none, or the note would be too large.
    pub fn cosign(&mut self, name: &str, witness: &Signer, at: Moment) -> Result<(), NoteError> {
        let time = at.unix();
        let signature = witness.sign(&cosigned_bytes(time, self.note.text()));
        let stamped = [&time.to_be_bytes()[..], &signature].concat();
        self.note.add(name, COSIGNATURE, &witness.public(), &stamped)
    }

    /// Reads a signed checkpoint; no signature is checked.
    ///
    /// # Errors
    /// When it is too large, or not spelled as [`SignedCheckpoint::to_text`] would. Extension lines are refused.
    pub fn parse(text: &[u8]) -> Result<Self, NoteError> {
        let note = Note::parse(text)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { checkpoint, note })
    }

    /// The signed note.
    pub fn to_text(&self) -> String {
        self.note.to_text()
    }

    /// What was signed. Nobody has checked it: see [`SignedCheckpoint::verify_log`].
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Checks that the log itself signed, under its origin. Whose key it is, and which origin it may use, is for
    /// the caller to know.
    ///
    /// # Errors
    /// When there is no signature by this key, or one that does not hold.
    pub fn verify_log(&self, key: &PublicKey) -> Result<(), NoteError> {
        let text = self.note.text().as_bytes();
        let signer = (&self.checkpoint.origin[..], ED25519, key);
        self.note.signed_by(signer, |signature| note::holds(key, text, signature)).map(drop)
    }

    /// Checks that this witness cosigned, and says when; if more than once, when first.
    ///
    /// # Errors
    /// When there is no cosignature under this name by this key, or one that does not hold.
    pub fn verify_cosignature(&self, name: &str, key: &PublicKey) -> Result<Moment, NoteError> {
        let times = self.note.signed_by((name, COSIGNATURE, key), |stamped| {
            let (time, signature) = stamped.split_first_chunk()?;
            let time = u64::from_be_bytes(*time);
            note::holds(key, &cosigned_bytes(time, self.note.text()), signature)?;
            Moment::from_unix(time)
        })?;
        Ok(times.into_iter().min().expect("a note is signed by somebody once at least"))
    }

    /// The names that stand beside signatures, the log's own among them; nobody has checked them.
    pub fn signers(&self) -> Vec<String> {
        self.note.signers()
    }

    /// Takes over the signatures that another copy of the same checkpoint has.
    ///
    /// They are not checked here; one that does not hold spoils the checkpoint, so verify the other copy first.
    ///
    /// # Errors
    /// When the other is not the same checkpoint, or the note would be too large; then nothing changes.
    pub fn merge(&mut self, other: &Self) -> Result<(), NoteError> {
        self.note.add_all(&other.note)
    }

    /// SHA-256 of the three lines, whoever signed them: what documents and time stamps refer to.
    pub fn digest(&self) -> Digest {
        Digest::of(self.note.text().as_bytes())
    }
}

fn cosigned_bytes(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    /// The worked example of the design, made by another program.
    const DEMO: &str = "\
tiermark/log/5679a82bc1587767
11
x7SX8+iYof2vx7c5+b5jd85fXT6Ixcct+wgxwE3270I=

— tiermark/log/5679a82bc1587767 lzUwztB24kxr4qXOQPdavTL22SaIzwbLTDuoF4rgVGfIXKOTtuuk9TyhdosSZ+RUuBfqB9JdTiI2z9RwRkmjdcDvcQs=
— tiermark/party/95f2883b254be270 bP3PEQAAAABpsSEAD3rlsF3zITp2JZzxi5Jh4H+rlBo7Tafrxcw7JkSXfe1+d02vPZKS+6oSdgbYt9BTu99SJIbt2FYjxuP/X2u2BA==
— tiermark/party/acc08549ebd50508 7KA7mwAAAABpsS8QfJJeBePXe91KTAaHO8KYSAW3uO9WBz5mixcL/OB8IFkDICr7hqN+GvL6vBAwPI69kQajly3H5J70txKZZU1hDw==
";
    const A: &str = "tiermark/party/95f2883b254be270";
    const B: &str = "tiermark/party/acc08549ebd50508";

    pub(in crate::log) fn demo_key(name: &str) -> Signer {
        Signer::from_seed(Digest::of(format!("tiermark demo key/{name}").as_bytes()).as_bytes())
    }

    fn moment(text: &str) -> Moment {
        text.parse().unwrap()
    }

    fn demo() -> SignedCheckpoint {
        SignedCheckpoint::parse(DEMO.as_bytes()).unwrap()
    }

    /// Everybody's word, or the first that does not hold.
    fn verify_all(signed: &SignedCheckpoint) -> Result<[Moment; 2], NoteError> {
        signed.verify_log(&demo_key("P/log").public())?;
        Ok([
            signed.verify_cosignature(A, &demo_key("A/witness").public())?,
            signed.verify_cosignature(B, &demo_key("B/witness").public())?,
        ])
    }

    #[test]
    fn the_worked_example_comes_out_byte_for_byte() {
        let origin = format!("tiermark/log/{}", &demo_key("P/root").public().kid().to_string()[..16]);
        let mut signed =
            SignedCheckpoint::sign(Checkpoint { origin, ..demo().checkpoint }, &demo_key("P/log")).unwrap();
        signed.cosign(A, &demo_key("A/witness"), moment("2026-03-11T08:00:00Z")).unwrap();
        signed.cosign(B, &demo_key("B/witness"), moment("2026-03-11T09:00:00Z")).unwrap();
        assert_eq!(signed.to_text(), DEMO);
    }

    #[test]
    fn the_worked_example_holds() {
        let signed = demo();
        assert_eq!(signed.to_text(), DEMO);
        assert_eq!(signed.checkpoint().size, 11);
        let times = [moment("2026-03-11T08:00:00Z"), moment("2026-03-11T09:00:00Z")];
        assert_eq!(verify_all(&signed), Ok(times));
        assert_eq!(
            signed.digest(),
            Digest::of(DEMO.split_inclusive('\n').take(3).collect::<String>().as_bytes())
        );
    }

    #[test]
    fn a_bent_checkpoint_does_not() {
        for i in 0..DEMO.len() {
            for bit in [1, 2, 4] {
                let mut bent = DEMO.as_bytes().to_vec();
                bent[i] ^= bit;
                let believed = SignedCheckpoint::parse(&bent).and_then(|signed| verify_all(&signed));
                assert!(believed.is_err(), "byte {i}, bit {bit}");
            }
        }
    }

    #[test]
    fn the_time_is_under_the_signature_and_the_kinds_are_apart() {
        let (mut signed, key) = (demo(), demo_key("P/log"));
        let not_signed = NoteError::NotSigned { name: signed.checkpoint.origin.clone() };
        let origin = signed.checkpoint.origin.clone();
        assert_eq!(signed.verify_cosignature(&origin, &key.public()), Err(not_signed.clone()));
        assert_eq!(signed.verify_log(&demo_key("A/witness").public()), Err(not_signed));
        let wrong = NoteError::WrongSignature { name: A.to_owned() };
        let mut stamped = [0; 72];
        stamped[8..].copy_from_slice(&demo_key("A/witness").sign(signed.note.text().as_bytes()));
        signed.note.add(A, COSIGNATURE, &demo_key("A/witness").public(), &stamped).unwrap();
        assert_eq!(signed.verify_cosignature(A, &demo_key("A/witness").public()), Err(wrong));
    }

    #[test]
    fn a_time_that_no_document_can_hold_is_no_cosignature() {
        let (mut signed, key) = (demo(), demo_key("A/witness"));
        let signature = key.sign(&cosigned_bytes(u64::MAX, signed.note.text()));
        let stamped = [&u64::MAX.to_be_bytes()[..], &signature].concat();
        signed.note.add(A, COSIGNATURE, &key.public(), &stamped).unwrap();
        assert!(signed.verify_cosignature(A, &key.public()).is_err());
    }

    #[test]
    fn unknown_signers_are_kept_and_ignored() {
        // C2SP's own example; its keys are not published.
        let foreign = "\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";
        let read = SignedCheckpoint::parse(foreign.as_bytes()).unwrap();
        assert_eq!(read.to_text(), foreign);
        assert_eq!(read.checkpoint().size, 20_852_163);
        // A name that is known, with an id that is not: a line by another key of the same name.
        let line = format!("— {A} AAAAAAcHBwc=\n");
        let signed = SignedCheckpoint::parse(format!("{DEMO}{line}").as_bytes()).unwrap();
        assert!(verify_all(&signed).is_ok());
        assert!(signed.to_text().ends_with(&line));
    }

    #[test]
    fn copies_are_merged_and_the_first_time_counts() {
        let bare = SignedCheckpoint::sign(demo().checkpoint, &demo_key("P/log")).unwrap();
        let (mut early, mut late) = (bare.clone(), bare.clone());
        early.cosign(A, &demo_key("A/witness"), moment("2026-03-11T08:00:00Z")).unwrap();
        late.cosign(A, &demo_key("A/witness"), moment("2026-03-12T08:00:00Z")).unwrap();
        late.merge(&early).unwrap();
        let key = demo_key("A/witness").public();
        assert_eq!(late.verify_cosignature(A, &key), Ok(moment("2026-03-11T08:00:00Z")));
        let both = late.clone();
        late.merge(&early).unwrap();
        late.merge(&bare).unwrap();
        assert_eq!(late, both, "a signature is added once");
        let other = Checkpoint { size: 12, ..demo().checkpoint };
        let other = SignedCheckpoint::sign(other, &demo_key("P/log")).unwrap();
        assert_eq!(late.merge(&other), Err(NoteError::OtherCheckpoint));
        assert_eq!(late, both);
    }

    #[test]
    fn only_names_sign() {
        for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] {
            let bad = Err(NoteError::BadName(name.to_owned()));
            assert_eq!(demo().cosign(name, &demo_key("A/witness"), moment("2026-03-11T08:00:00Z")), bad);
            let checkpoint = Checkpoint { origin: name.to_owned(), ..demo().checkpoint };
            assert!(SignedCheckpoint::sign(checkpoint, &demo_key("P/log")).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_checkpoint_has_one_spelling() {
        let others = [
            DEMO.replace("\n11\n", "\n011\n"),
            DEMO.replace("\n11\n", "\n+11\n"),
            DEMO.replace("\n11\n", "\n11 \n"),
            DEMO.replace("\n11\n", "\n18446744073709551616\n"),
            DEMO.replace("\n11\n", "\n"),
            DEMO.replace("270I=\n", "270I\n"),
            DEMO.replace("270I=\n", "270J=\n"),
            DEMO.replace("270I=\n", "270I=\nextension\n"),
            DEMO.replace("270I=\n", "270I=\n\n"),
            DEMO.replace("\n11\n", "\n\n11\n"),
            format!("\n{DEMO}"),
            format!("{DEMO}\n"),
        ];
        for other in others {
            assert_ne!(other, DEMO);
            assert!(SignedCheckpoint::parse(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn whatever_is_read_is_written_again() {
        for cut in 0..DEMO.len() {
            if let Ok(signed) = SignedCheckpoint::parse(&DEMO.as_bytes()[..cut]) {
                assert_eq!(signed.to_text(), DEMO[..cut]);
            }
        }
        let mut chance = fastrand::Rng::with_seed(3);
        for _ in 0..20_000 {
            let mut text = DEMO.as_bytes().to_vec();
            for _ in 0..chance.u8(1..4) {
                let at = chance.usize(0..text.len());
                match chance.u8(0..3) {
                    0 => text[at] = *chance.choice(b"\n +/=0A\xe2\x80\x94z").unwrap(),
                    1 => drop(text.drain(at..=at)),
                    _ => text.insert(at, *chance.choice(b"\n +/=0A\xe2\x80\x94z").unwrap()),
                }
            }
            if let Ok(signed) = SignedCheckpoint::parse(&text) {
                assert_eq!(signed.to_text().into_bytes(), text);
            }
        }
    }
}
