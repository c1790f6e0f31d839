//! A signed note (C2SP signed-note): a text, an empty line, and a line for each signature.
//!
//! ```text
//! This is an example message.
//!
//! — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
//!   key name        base64( key id || signature )
//! ```
//!
//! Signatures by unknown keys are kept as they came. What the text means is the business of
//! [`SignedCheckpoint`](super::SignedCheckpoint).

use crate::Digest;
use crate::keys::PublicKey;
use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

/// Ed25519 over the text as it is: how a log signs.
pub(super) const ED25519: u8 = 0x01;
/// Ed25519 over a time and the text: how a witness cosigns.
pub(super) const COSIGNATURE: u8 = 0x04;

/// Most bytes of a note: the 16 signatures of 5 kB, in base64, that every verifier must take, and some room.
pub(super) const MAX_BYTES: usize = 128 * 1024;

/// Why a note cannot be written, read or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Too large for a note.
    #[error("a signed note may have at most {limit} bytes")]
    TooLarge {
        /// The limit that was passed.
        limit: usize,
    },
    /// Not a note, or not in its one spelling.
    #[error("not a signed checkpoint: {0}")]
    NotANote(&'static str),
    /// A name that cannot stand in a note.
    #[error("{0:?} is no name of a log or witness: it has spaces, a plus sign, or nothing at all")]
    BadName(String),
    /// Nobody signed with this name and key.
    #[error("{name} did not sign this with the key that is known")]
    NotSigned {
        /// The name that was looked for.
        name: String,
    },
    /// A line carries name and id of this key, and the signature does not fit.
    #[error("the signature by {name} does not fit the text")]
    WrongSignature {
        /// The name on the line.
        name: String,
    },
    /// Signatures on another checkpoint prove nothing about this one.
    #[error("the signatures are on another checkpoint")]
    OtherCheckpoint,
}

/// The short id of a key under this name: the first four bytes of SHA-256(name 0a kind key).
///
/// `kind` is 1 for a log's Ed25519 signature and 4 for a witness's cosignature. The id only says which key to
/// try: four bytes are easily forged, a signature is not.
pub fn key_id(name: &str, kind: u8, key: &PublicKey) -> [u8; 4] {
    let hash = Sha256::new_with_prefix(name).chain_update([b'\n', kind]).chain_update(key.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    *hash.first_chunk().expect("32 bytes hold 4")
}

/// A text with signatures that nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    text: String,
    lines: Vec<Line>,
}

/// One signature: a name, and id and signature of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    name: String,
    blob: Vec<u8>,
}

impl Note {
    /// A text that nobody has signed; it ends with a newline.
    pub(super) fn unsigned(text: String) -> Self {
        Self { text, lines: Vec::new() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn signers(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.name.clone()).collect()
    }

    /// Adds a signature, once.
    pub(super) fn add(
        &mut self,
        name: &str,
        kind: u8,
        key: &PublicKey,
        signature: &[u8],
    ) -> Result<(), NoteError> {
        checked_name(name)?;
        let blob = [&key_id(name, kind, key), signature].concat();
        self.extend([Line { name: name.to_owned(), blob }])
    }

    /// Adds all signatures of another note over the same text that this one does not have.
    pub(super) fn add_all(&mut self, other: &Self) -> Result<(), NoteError> {
        if self.text != other.text {
            return Err(NoteError::OtherCheckpoint);
        }
        self.extend(other.lines.iter().cloned())
    }

    fn extend(&mut self, lines: impl IntoIterator<Item = Line>) -> Result<(), NoteError> {
        let mut all = self.clone();
        for line in lines {
            if !all.lines.contains(&line) {
                all.lines.push(line);
            }
        }
        if all.to_text().len() > MAX_BYTES {
            return Err(NoteError::TooLarge { limit: MAX_BYTES });
        }
        *self = all;
        Ok(())
    }

    /// What `check` finds in each signature with this name and key, of which there is one at least.
    ///
    /// One that does not hold spoils the note, as signed-note advises: whoever put it there meant to deceive.
    pub(super) fn signed_by<T>(
        &self,
        (name, kind, key): (&str, u8, &PublicKey),
        check: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Vec<T>, NoteError> {
        let id = key_id(name, kind, key);
        let lines = self.lines.iter().filter(|line| line.name == name);
        let found: Option<Vec<T>> = lines.filter_map(|line| line.blob.strip_prefix(&id)).map(check).collect();
        match found {
            None => Err(NoteError::WrongSignature { name: name.to_owned() }),
            Some(none) if none.is_empty() => Err(NoteError::NotSigned { name: name.to_owned() }),
            Some(found) => Ok(found),
        }
    }

    pub(super) fn to_text(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for Line { name, blob } in &self.lines {
            note.extend(["— ", name, " ", &BASE64.encode(blob), "\n"]);
        }
        note
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_BYTES {
            return Err(NoteError::TooLarge { limit: MAX_BYTES });
        }
        let note = str::from_utf8(bytes).map_err(|_| NoteError::NotANote("it is not UTF-8"))?;
        if note.contains(|c| c < ' ' && c != '\n') {
            return Err(NoteError::NotANote("it has control characters"));
        }
        // The text may have empty lines, the signatures have none: the last one is the border.
        let border = note.rfind("\n\n").ok_or(NoteError::NotANote("no empty line ends its text"))?;
        let (text, lines) = (&note[..=border], &note[border + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NotANote("its last line has no end"))?;
        let lines = lines.split('\n').map(Line::parse).collect::<Option<Vec<Line>>>();
        let lines = lines.ok_or(NoteError::NotANote("a line below the text is no signature"))?;
        Ok(Self { text: text.to_owned(), lines })
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix("— ")?.split_once(' ')?;
        let blob = base64(blob)?;
        let whole = checked_name(name).is_ok() && blob.len() > 4;
        whole.then(|| Self { name: name.to_owned(), blob })
    }
}

/// A name as signed-note allows it: no plus sign, and nothing that looks like a space or breaks a line.
pub(super) fn checked_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c == '+' || c < ' ' || c.is_whitespace();
    if name.is_empty() || name.contains(bad) { Err(NoteError::BadName(name.to_owned())) } else { Ok(()) }
}

/// Whether an Ed25519 key made this signature, which may have any length.
pub(super) fn holds(key: &PublicKey, message: &[u8], signature: &[u8]) -> Option<()> {
    key.verify(message, signature.try_into().ok()?).ok()
}

/// A number in its one spelling: digits, no sign, no zeros in front.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// Bytes in base64, in their one spelling: `data-encoding` also reads padded pieces in a row (`AA==AA==`).
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    (BASE64.encode(&bytes) == text).then_some(bytes)
}

/// A hash in base64.
pub(super) fn base64_hash(text: &str) -> Option<Digest> {
    base64(text)?.try_into().ok().map(Digest::from_bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;
    use data_encoding::HEXLOWER;

    /// C2SP's own example, with its key `example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k`.
    const EXAMPLE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    const NAME: &str = "example.com/foo";

    fn example_key() -> PublicKey {
        let bytes = BASE64.decode(b"AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").unwrap();
        let (kind, key) = bytes.split_first().unwrap();
        assert_eq!(*kind, ED25519);
        PublicKey::from_bytes(key.try_into().unwrap()).unwrap()
    }

    fn verify(note: &Note) -> Result<Vec<()>, NoteError> {
        let key = example_key();
        note.signed_by((NAME, ED25519, &key), |signature| holds(&key, note.text().as_bytes(), signature))
    }

    #[test]
    fn the_example_of_c2sp_holds() {
        assert_eq!(HEXLOWER.encode(&key_id(NAME, ED25519, &example_key())), "530d903a");
        let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(note.text(), "This is an example message.\n");
        assert_eq!(verify(&note), Ok(vec![()]));
        assert_eq!(note.to_text(), EXAMPLE);
    }

    #[test]
    fn a_bent_note_does_not() {
        for i in 0..EXAMPLE.len() {
            let mut bent = EXAMPLE.as_bytes().to_vec();
            bent[i] ^= 1;
            let believed = Note::parse(&bent).and_then(|note| verify(&note));
            assert!(believed.is_err(), "byte {i}");
        }
    }

    #[test]
    fn a_text_may_have_empty_lines() {
        let text = "\ned è subito sera.\n\n\n";
        let mut note = Note::unsigned(text.to_owned());
        note.add(NAME, ED25519, &example_key(), &[7; 64]).unwrap();
        assert_eq!(Note::parse(note.to_text().as_bytes()).unwrap(), note);
    }

    #[test]
    fn a_note_has_one_spelling() {
        let line = EXAMPLE.split_once("\n\n").unwrap().1;
        let others = [
            EXAMPLE.trim_end().to_owned(),
            format!("{EXAMPLE}\n"),
            format!("{EXAMPLE}{}", line.trim_end()),
            EXAMPLE.replace("\n\n", "\n"),
            EXAMPLE.replace('\n', "\r\n"),
            EXAMPLE.replace("— ", "- "),
            EXAMPLE.replace("— ", "—  "),
            EXAMPLE.replace("— ", "—\u{a0}"),
            EXAMPLE.replace("foo ", "foo  "),
            EXAMPLE.replace("foo ", "foo\u{2003}x "),
            EXAMPLE.replace("foo ", "foo+x "),
            EXAMPLE.replace(NAME, ""),
            EXAMPLE.replace("aQM=", "aQM"),
            EXAMPLE.replace("aQM=", "aQN="),
            EXAMPLE.replace("aQM=", "aQM= "),
            EXAMPLE.replace("Uw2Q", "Uw==2Q=="),
            EXAMPLE.replace("This", "\tThis"),
            format!("text\n\n— {NAME} Uw2QOg==\n"),
            String::new(),
            "\n\n".to_owned(),
        ];
        for other in others {
            assert!(Note::parse(other.as_bytes()).is_err(), "{other:?}");
        }
        assert!(Note::parse(b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n").is_err(), "not UTF-8");
    }

    #[test]
    fn a_note_stays_small_enough_to_be_read() {
        let mut note = Note::unsigned("text\n".to_owned());
        for i in 0..16 {
            note.add(&format!("witness/{i}"), 6, &example_key(), &[i; 5000]).unwrap();
        }
        Note::parse(note.to_text().as_bytes()).unwrap();
        let too_large = NoteError::TooLarge { limit: MAX_BYTES };
        let full = note.clone();
        assert_eq!(note.add(NAME, ED25519, &example_key(), &[0; 20_000]), Err(too_large.clone()));
        assert_eq!(note, full, "what failed changed nothing");
        assert_eq!(Note::parse(&[b'\n'; MAX_BYTES + 1]), Err(too_large));
    }
}
