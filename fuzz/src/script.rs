//! Documents that hostile parties sign: a small language, because a mutation never passes a signature.
//!
//! ```text
//! R0{..}        a document signed with the root key of party 0      F{..}|{..}   frames of the next document, | ends a line
//! S1{..}        the same, with the signing key of party 1           O{..}|{..}   outputs of the next document
//! E0{..}        a finding, signed by party 0                        X            secrets for the next one, sealed to us
//! L0name        the log `name` of party 0 over all documents yet    XTEXT        the same, but this text
//! W0name        the same, cosigned by all other parties             Gname|1|2|hash,..  that a log grew
//! K0name|7|hash any checkpoint, signed by party 0's log             C{..}        a line of the custody
//! N9 name       nine more lines by an unknown signer, on each proof
//! ```
//!
//! In texts, `@S` stands for the root of the studio that reads, `@d0` for the id, `@m0` for the mark and `@t0` for the digest of
//! the first document, `@o0` for the name of party 0's log, `@k0s` for a kid and `@p0s` for a public key (`r`oot, `s`ign, `l`og, `w`itness, `b`ox), `@N` and `@L` for the
//! commitments to the secrets under `X`, `@F @R @O @Q @C` for digest and root of frames, of outputs, and the custody's digest.

use std::fmt::Write as _;
use tiermark_ledger::document::{DeclaredKey, Envelope, Handover, Usage, merkle};
use tiermark_ledger::keys::tree::{LatticeSecret, NodeSecret};
use tiermark_ledger::keys::{Opener, SealingKey, Signer};
use tiermark_ledger::log::{Checkpoint, Leaf, LeafKind, SignedCheckpoint, TlogProof, tree};
use tiermark_ledger::packet::{Grown, Proof};
use tiermark_ledger::{Digest, DocId, Kid, Moment, Packet};

/// What a script says.
#[derive(Default)]
pub struct Story {
    /// Documents, lists, proofs, checkpoints.
    pub packet: Packet,
    /// The finding, for a bundle.
    pub finding: Option<Envelope>,
    /// The custody, for a bundle.
    pub custody: String,
    pending: Pending,
}

/// What belongs to the next document.
#[derive(Default)]
struct Pending {
    frames: Option<String>,
    outputs: Option<String>,
    sealed: Option<String>,
}

/// The studio that reads: its root, and the key to which secrets for it are sealed.
pub struct Reader {
    /// Its root.
    pub root: Kid,
    /// Its box.
    pub sealing: Option<SealingKey>,
}

/// A use of a key.
#[derive(Clone, Copy)]
pub enum Key {
    /// Signs the party's own document.
    Root,
    /// Signs documents.
    Sign,
    /// Signs checkpoints.
    Log,
    /// Cosigns.
    Witness,
}

/// Parties that a script can speak for.
const PARTIES: u8 = 3;
/// Most lines that are played; a script is to go deep, not to be long.
const MOST_LINES: usize = 48;
/// Most lines by unknown signers: 4000 are as many as a checkpoint can hold.
const MOST_SIGNERS: usize = 4000;

/// The key of a party; the same in every process.
pub fn signer(party: u8, key: Key) -> Signer {
    Signer::from_seed(&[16 * (party + 1) + key as u8; 32])
}

/// 2026-03-02, 09:00 UTC.
pub fn moment() -> Moment {
    Moment::from_unix(1_772_442_000).expect("within 1970 to 9999")
}

/// Plays a script.
pub fn play(text: &str, reader: &Reader) -> Story {
    let mut story = Story::default();
    for line in text.lines().take(MOST_LINES) {
        let mut characters = line.chars();
        let verb = characters.next();
        let rest = characters.as_str();
        match verb {
            Some('F') => story.pending.frames = Some(lines_of(&story.filled(rest, reader))),
            Some('O') => story.pending.outputs = Some(lines_of(&story.filled(rest, reader))),
            Some('X') => story.pending.sealed = Some(secrets(rest, reader)),
            Some('C') => writeln!(story.custody, "{}", story.filled(rest, reader)).expect("a string"),
            Some('N') => story.unknown_signers(rest),
            Some('G') => story.packet.grown.extend(grown(rest)),
            Some(verb) => {
                let Some((party, rest)) = party_of(rest) else { continue };
                let text = story.filled(rest, reader);
                story.signed(verb, party, &text);
            }
            None => {}
        }
    }
    story
}

impl Story {
    fn signed(&mut self, verb: char, party: u8, text: &str) {
        match verb {
            'R' => self.document(sealed(text, &signer(party, Key::Root))),
            'S' => self.document(sealed(text, &signer(party, Key::Sign))),
            'E' => self.finding = Some(sealed(text, &signer(party, Key::Sign))),
            'L' | 'W' => self.log(party, text, verb == 'W'),
            'K' => self.checkpoint(party, text),
            _ => {}
        }
    }

    fn document(&mut self, envelope: Envelope) {
        let (id, pending) = (envelope.doc_id(), std::mem::take(&mut self.pending));
        self.packet.frames.extend(pending.frames.map(|text| (id, text)));
        self.packet.outputs.extend(pending.outputs.map(|text| (id, text)));
        self.packet.sealed.extend(pending.sealed.map(|text| (id, text)));
        self.packet.documents.push(envelope);
    }

    /// A log over all documents so far, with a proof of each.
    fn log(&mut self, party: u8, origin: &str, cosigned: bool) {
        let kind = |envelope: &Envelope| {
            let claimed = envelope.claimed_type().unwrap_or_default();
            LeafKind::named(claimed.trim_start_matches("tiermark:").trim_end_matches("/v1"))
        };
        let leaf = |envelope: &Envelope| Leaf {
            at: moment(),
            id: Digest::from_bytes(*envelope.doc_id().as_bytes()),
            kind: kind(envelope).unwrap_or(LeafKind::Void),
        };
        let leaves: Vec<Leaf> = self.packet.documents.iter().map(leaf).collect();
        let hashes: Vec<Digest> = leaves.iter().map(Leaf::hash).collect();
        let (size, root) = (leaves.len() as u64, merkle::root(&hashes));
        let checkpoint = Checkpoint { origin: origin.to_owned(), size, root };
        let Ok(mut note) = SignedCheckpoint::sign(checkpoint, &signer(party, Key::Log)) else { return };
        for other in (0..PARTIES).filter(|&other| cosigned && other != party) {
            let name = format!("tiermark/party/{:.16}", signer(other, Key::Root).public().kid().to_string());
            note.cosign(&name, &signer(other, Key::Witness), moment()).expect("hex is a name");
        }
        for (index, leaf) in leaves.iter().enumerate() {
            let path = merkle::path(&hashes, index);
            let index = index as u64;
            tree::verify_inclusion(leaf.hash(), index, size, &path, root).expect("a path of our own");
            let proof = TlogProof { index, path, checkpoint: note.clone() }.to_text();
            let leaf_text = String::from_utf8(leaf.bytes()).expect("JSON");
            self.packet.proofs.push(Proof {
                document: DocId::from_bytes(*leaf.id.as_bytes()),
                leaf: leaf_text,
                proof,
            });
        }
        self.packet.show(&note);
    }

    fn checkpoint(&mut self, party: u8, text: &str) {
        let [origin, size, root] = text.split('|').collect::<Vec<_>>()[..] else { return };
        let (Ok(size), Ok(root)) = (size.parse(), root.parse()) else { return };
        let checkpoint = Checkpoint { origin: origin.to_owned(), size, root };
        if let Ok(note) = SignedCheckpoint::sign(checkpoint, &signer(party, Key::Log)) {
            self.packet.show(&note);
        }
    }

    /// Lines that anybody can add to a checkpoint: no key of theirs is known.
    fn unknown_signers(&mut self, text: &str) {
        let Some((count, name)) = text.split_once(' ') else { return };
        let lines = format!("— {name} AAAAAAA=\n").repeat(count.parse().unwrap_or(1).min(MOST_SIGNERS));
        self.packet.proofs.iter_mut().for_each(|proof| proof.proof.push_str(&lines));
    }

    /// The text with its `@` words put in.
    fn filled(&self, text: &str, reader: &Reader) -> String {
        let mut pieces = text.split('@');
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let known = self.word(piece, reader);
            match known {
                Some((length, word)) => filled.extend([&word, &piece[length..]]),
                None => filled.extend(["@", piece]),
            }
        }
        filled
    }

    /// The word at the beginning of a piece: how long its name is, and what it stands for.
    fn word(&self, piece: &str, reader: &Reader) -> Option<(usize, String)> {
        let frames = self.pending.frames.as_deref().unwrap_or_default();
        let outputs = self.pending.outputs.as_deref().unwrap_or_default();
        let bytes = piece.as_bytes();
        let word = match *bytes.first()? {
            b'S' => reader.root.to_string(),
            b'N' => node().commitment().to_string(),
            b'L' => lattice().commitment().to_string(),
            b'F' => Digest::of(frames.as_bytes()).to_string(),
            b'R' => root_of(frames).to_string(),
            b'O' => Digest::of(outputs.as_bytes()).to_string(),
            b'Q' => root_of(outputs).to_string(),
            b'C' => Digest::of(self.custody.as_bytes()).to_string(),
            b'd' => return Some((2, self.at(*bytes.get(1)?)?.doc_id().to_string())),
            b'm' => return Some((2, self.at(*bytes.get(1)?)?.doc_id().mark_id().to_string())),
            b't' => return Some((2, Digest::of(self.at(*bytes.get(1)?)?.payload()).to_string())),
            b'o' => {
                return Some((
                    2,
                    format!("tiermark/log/{:.16}", key(&[b'o', *bytes.get(1)?, b'r'])?.kid.to_string()),
                ));
            }
            b'k' => return Some((3, key(bytes)?.kid.to_string())),
            b'p' => return Some((3, public(bytes)?)),
            _ => return None,
        };
        Some((1, word))
    }

    fn at(&self, place: u8) -> Option<&Envelope> {
        let place = match place {
            b'0'..=b'9' => place - b'0',
            b'a'..=b'z' => place - b'a' + 10,
            _ => return None,
        };
        self.packet.documents.get(usize::from(place))
    }

    /// The hand-overs in it.
    pub fn handovers(&self) -> Vec<DocId> {
        self.packet.of_type::<Handover>().into_iter().map(|(id, _)| id).collect()
    }
}

/// Which key a word such as `k0s` means.
fn key(word: &[u8]) -> Option<DeclaredKey> {
    let &[_, party, usage, ..] = word else { return None };
    let party = party.checked_sub(b'0').filter(|&party| party < PARTIES)?;
    let key = match usage {
        b'r' => Key::Root,
        b's' => Key::Sign,
        b'l' => Key::Log,
        b'w' => Key::Witness,
        b'b' => return Some(DeclaredKey::sealing(&Opener::from_bytes(&[9; 32]).public(), moment())),
        _ => return None,
    };
    Some(DeclaredKey::ed25519(Usage::Sign, &signer(party, key).public(), moment()))
}

fn public(word: &[u8]) -> Option<String> {
    let json = serde_json::to_value(key(word)?).expect("text");
    json["pub"].as_str().map(str::to_owned)
}

fn party_of(text: &str) -> Option<(u8, &str)> {
    let (digit, rest) = text.split_at_checked(1)?;
    let party = digit.parse().ok().filter(|&party| party < PARTIES)?;
    Some((party, rest))
}

fn lines_of(text: &str) -> String {
    text.replace('|', "\n")
}

fn root_of(text: &str) -> Digest {
    let leaves: Vec<Digest> = text.lines().map(|line| merkle::leaf(line.as_bytes())).collect();
    merkle::root(&leaves)
}

fn sealed(payload: &str, key: &Signer) -> Envelope {
    let payload = payload.as_bytes().to_vec();
    let unsigned = Envelope::from_parts(payload.clone(), key.public().kid(), [0; 64]);
    Envelope::from_parts(payload, key.public().kid(), key.sign(&unsigned.signed_bytes()))
}

fn node() -> NodeSecret {
    NodeSecret::from_bytes(&[7; 32])
}

fn lattice() -> LatticeSecret {
    LatticeSecret::from_bytes(&[8; 32])
}

fn secrets(text: &str, reader: &Reader) -> String {
    let both = [&node().as_bytes()[..], &lattice().as_bytes()[..]].concat();
    let sealed = reader.sealing.as_ref().filter(|_| text.is_empty()).and_then(|key| key.seal(&both).ok());
    sealed.unwrap_or_else(|| lines_of(text))
}

fn grown(text: &str) -> Option<Grown> {
    let [origin, old, new, path] = text.split('|').collect::<Vec<_>>()[..] else { return None };
    let path = path.split(',').filter_map(|hash| hash.parse().ok()).collect();
    Some(Grown { origin: origin.to_owned(), old: old.parse().ok()?, new: new.parse().ok()?, path })
}
