//! Writing a bundle's folder.

use super::load::Frame;
use super::{BundleError, CHECK_SH, VERIFY_PY, readme};
use crate::chain::{Documents, VerifiedHandover};
use crate::document::{Document, Envelope, Finding, FrameList, NamedDigest, Party, merkle};
use crate::keys::Signer;
use crate::log::TlogProof;
use crate::packet::Packet;
use crate::studio::Studio;
use crate::{Digest, DocId, Kid};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What goes into a bundle beside the documents.
pub struct Contents<'a> {
    /// The hand-overs of the chains, with the frames that are shown of each.
    pub handovers: Vec<(&'a VerifiedHandover, Vec<u32>)>,
    /// The custody's text.
    pub custody: &'a [u8],
    /// Further files by name: the report, the hashes of the found files, time stamps.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The exhibit, its list of files still empty.
    pub finding: Finding,
}

/// Writes a bundle into a folder that does not exist yet: everything, then the finding that names the hash of each file.
///
/// # Errors
/// When the folder exists, a document is missing, or the disk refuses.
pub fn write(
    studio: &Studio,
    sign: &Signer,
    folder: &Path,
    contents: Contents<'_>,
) -> Result<DocId, BundleError> {
    let wrong = |why: String| BundleError::Wrong { path: folder.to_owned(), why };
    let Contents { handovers, custody, mut files, mut finding } = contents;
    let mut packet = studio.export_party().map_err(|e| wrong(e.to_string()))?;
    for (handover, shown) in &handovers {
        let of_one = studio.packet_of(handover.id).map_err(|e| wrong(e.to_string()))?;
        add_frames(&mut files, handover.id, of_one.frames.get(&handover.id), shown);
        of_one.documents.into_iter().for_each(|envelope| packet.add(envelope));
        packet.proofs.extend(
            of_one.proofs.into_iter().filter(|proof| !packet.proofs.contains(proof)).collect::<Vec<_>>(),
        );
    }
    add_revocations(studio, &mut packet).map_err(|e| wrong(e.to_string()))?;
    add_documents(&mut files, &packet);
    add_keys(&mut files, &packet);
    add_proofs(&mut files, &packet);
    files.insert("custody.jsonl".to_owned(), custody.to_vec());
    files.insert("contrib/verify.py".to_owned(), VERIFY_PY.as_bytes().to_vec());
    files.insert("contrib/check.sh".to_owned(), CHECK_SH.as_bytes().to_vec());
    files.insert("README.txt".to_owned(), readme::text(&finding, &packet).into_bytes());
    finding.custody = Digest::of(custody);
    finding.files = files
        .iter()
        .map(|(name, bytes)| NamedDigest { name: name.clone(), sha256: Digest::of(bytes) })
        .collect();
    let envelope = Envelope::seal(&finding, sign).map_err(|e| wrong(e.to_string()))?;
    files.insert("finding.dsse.json".to_owned(), envelope.to_json());
    publish(folder, &files)?;
    Ok(envelope.doc_id())
}

/// The lines that are shown, each with its path.
fn add_frames(files: &mut BTreeMap<String, Vec<u8>>, handover: DocId, list: Option<&String>, shown: &[u32]) {
    let Some(list) = list.and_then(|text| FrameList::parse(text)) else { return };
    let leaves = list.leaves();
    let lines: Vec<&[u8]> = list.file().split(|&b| b == b'\n').collect();
    for &index in shown {
        let Some(line) = lines.get(index as usize).filter(|line| !line.is_empty()) else { continue };
        let line = String::from_utf8_lossy(line).into_owned();
        let path = merkle::path(&leaves, index as usize);
        let frame = Frame { handover, index, line, path };
        let name = format!("frames/{}-{index}.json", handover.mark_id());
        files.insert(name, serde_json::to_vec_pretty(&frame).expect("text, numbers and hex"));
    }
}

/// Whoever reads only a bundle must see what was taken back.
fn add_revocations(studio: &Studio, packet: &mut Packet) -> Result<(), crate::store::StoreError> {
    let mut targets: Vec<Digest> =
        packet.documents.iter().map(|e| Digest::from_bytes(*e.doc_id().as_bytes())).collect();
    let parties = packet.documents.iter().filter_map(|envelope| Party::open(envelope).ok());
    targets.extend(parties.flat_map(|party| party.keys).map(|key| Digest::from_bytes(*key.kid.as_bytes())));
    for target in targets {
        for envelope in Documents::about(studio.registry(), target, crate::document::Revocation::KIND)? {
            for held in studio.registry().proofs(envelope.doc_id())? {
                let proof = crate::packet::Proof {
                    document: envelope.doc_id(),
                    leaf: String::from_utf8_lossy(&held.leaf).into_owned(),
                    proof: held.proof,
                };
                packet.proofs.push(proof);
            }
            packet.add(envelope);
        }
    }
    Ok(())
}

fn add_documents(files: &mut BTreeMap<String, Vec<u8>>, packet: &Packet) {
    for envelope in &packet.documents {
        let kind = envelope.claimed_type().unwrap_or_default();
        let kind = kind.trim_start_matches("tiermark:").trim_end_matches("/v1").to_owned();
        let id = envelope.doc_id().to_string();
        files.insert(format!("docs/{kind}-{id:.16}.dsse.json"), envelope.to_json());
    }
}

/// The keys that the parties declare, by use, for OpenSSL.
fn add_keys(files: &mut BTreeMap<String, Vec<u8>>, packet: &Packet) {
    for party in packet.documents.iter().filter_map(|envelope| Party::open(envelope).ok()) {
        let root: Kid = party.root_kid();
        files.insert(format!("keys/root-{root:.16}.pub.pem"), pem(&party.root().to_der()));
        for usage in
            [crate::document::Usage::Sign, crate::document::Usage::Log, crate::document::Usage::Witness]
        {
            for key in party.keys_for(usage) {
                files.insert(format!("keys/{}-{:.16}.pub.pem", usage.word(), key.kid()), pem(&key.to_der()));
            }
        }
    }
}

fn pem(der: &[u8]) -> Vec<u8> {
    let base64 = data_encoding::BASE64.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n").into_bytes()
}

fn add_proofs(files: &mut BTreeMap<String, Vec<u8>>, packet: &Packet) {
    for held in &packet.proofs {
        let Ok(proof) = TlogProof::parse(held.proof.as_bytes()) else { continue };
        let head = proof.checkpoint.checkpoint();
        let log: String = head.origin.trim_start_matches("tiermark/log/").replace('/', "-");
        let name = format!("log/{:.16}-in-{log}-{}", held.document.to_string(), head.size);
        files.insert(format!("{name}.tlog-proof"), held.proof.clone().into_bytes());
        files.insert(format!("{name}.leaf"), held.leaf.clone().into_bytes());
        files.insert(format!("log/{log}-{}.checkpoint", head.size), proof.checkpoint.to_text().into_bytes());
    }
}

/// Everything below a hidden name, which then gets its own.
fn publish(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), BundleError> {
    let disk = |path: &Path| {
        let path = path.to_owned();
        move |source| BundleError::Disk { path: path.clone(), source }
    };
    if folder.exists() {
        let why = "there is something already; name another folder".to_owned();
        return Err(BundleError::Wrong { path: folder.to_owned(), why });
    }
    let hidden = hidden_beside(folder);
    let _ = fs::remove_dir_all(&hidden);
    for (name, bytes) in files {
        let path = hidden.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&hidden)).map_err(disk(&path))?;
        let written =
            File::create_new(&path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.map_err(disk(&path))?;
    }
    fs::rename(&hidden, folder).map_err(disk(folder))
}

fn hidden_beside(folder: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(folder.file_name().unwrap_or_default());
    name.push(".tiermark-part");
    folder.with_file_name(name)
}
