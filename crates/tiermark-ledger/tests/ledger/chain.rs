//! Who would be named, and who must not be.

use crate::desk::{Desk, handle};
use tiermark_ledger::document::{DocumentError, Envelope, FrameList, Handover, Nonce, Vendor};
use tiermark_ledger::keys::Signer;
use tiermark_ledger::keys::tree::Direction;
use tiermark_ledger::store::HandoverRow;
use tiermark_ledger::{Digest, DocId, Kid, MarkId, Registry, RuleBroken, verify_handover};

fn broken(desk: &Desk, mark: MarkId) -> RuleBroken {
    match desk.studio.verify(mark) {
        Err(broken) => broken,
        Ok(verified) => panic!("{} was named", verified.recipient),
    }
}

/// Signs a text that differs from an honest one, and files it as the studio would.
fn file(desk: &Desk, issued: &HandoverRow, key: &Signer, bend: impl Fn(&mut Handover)) -> HandoverRow {
    let honest = desk.studio.verify(issued.mark).unwrap();
    let mut document = Handover { nonce: Nonce::from_bytes([1; 16]), ..honest.document };
    bend(&mut document);
    let envelope = Envelope::seal(&document, key).unwrap();
    desk.studio.registry().add_handover(&envelope, &document, &honest.frames).unwrap()
}

#[test]
fn an_honest_hand_over_names_its_recipient() {
    let desk = Desk::new();
    let (boy, wolf) = (desk.vendor("Shepherd Boy"), desk.vendor("Wolf"));
    let to_boy = desk.hand_over(&boy, &["a.png", "b.png"]);
    let to_wolf = desk.hand_over(&wolf, &["a.png"]);
    let verified = desk.studio.verify(to_boy.row.mark).unwrap();
    assert_eq!(verified.recipient, handle("Shepherd Boy"));
    assert_eq!((verified.id, verified.record), (to_boy.row.id, boy.record));
    assert_eq!(verified.frames, to_boy.frames);
    assert_eq!(verified.issued_at().to_string(), "2026-03-02T09:00:00Z");
    assert_eq!(desk.studio.verify(to_wolf.row.mark).unwrap().recipient, handle("Wolf"));
}

#[test]
fn a_mark_nobody_handed_out_names_nobody() {
    let desk = Desk::new();
    let _ = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let mark = MarkId::from_bytes([9; 8]);
    assert!(matches!(broken(&desk, mark), RuleBroken::UnknownMark(unknown) if unknown == mark));
}

#[test]
fn another_root_is_not_trusted() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let other = Desk::new().studio.root();
    let answer = verify_handover(desk.studio.registry(), issued.row.mark, other);
    assert!(matches!(answer, Err(RuleBroken::OtherIssuer { issuer, .. }) if issuer == desk.studio.root()));
}

#[test]
fn an_edited_text_is_refused() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let document = desk.studio.registry().document(issued.row.id).unwrap().unwrap();
    let text = String::from_utf8(document.payload().to_vec()).unwrap();
    let edited = text.replace("2026-03-02", "2026-03-03");
    assert_ne!(edited, text);
    desk.tamper("UPDATE doc SET payload = ?2 WHERE id = ?1", (issued.row.id.as_bytes(), edited.as_bytes()));
    let broken = broken(&desk, issued.row.mark);
    let reason = matches!(&broken, RuleBroken::Unsound { source: DocumentError::WrongSignature { .. }, .. });
    assert!(reason, "{broken}");
}

#[test]
fn a_swapped_envelope_is_refused() {
    let desk = Desk::new();
    let to_boy = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let to_wolf = desk.hand_over(&desk.vendor("Wolf"), &["a.png"]);
    let wolf = desk.studio.registry().document(to_wolf.row.id).unwrap().unwrap();
    desk.tamper(
        "UPDATE doc SET payload = ?2, sig = ?3 WHERE id = ?1",
        (to_boy.row.id.as_bytes(), wolf.payload(), wolf.signature()),
    );
    let broken = broken(&desk, to_boy.row.mark);
    assert!(matches!(broken, RuleBroken::Swapped { found, .. } if found == to_wolf.row.id), "{broken}");
}

#[test]
fn a_mark_filed_with_another_document_is_refused() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let mark = MarkId::from_bytes([9; 8]);
    desk.tamper("UPDATE handover SET mark = ?1", [mark.as_bytes()]);
    let broken = broken(&desk, mark);
    assert!(
        matches!(broken, RuleBroken::MarkOfAnother { document, .. } if document == issued.row.id),
        "{broken}"
    );
}

#[test]
fn another_signer_is_refused() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let stranger = Signer::from_seed(&[1; 32]);
    let forged = file(&desk, &issued.row, &stranger, |_| {});
    let answer = broken(&desk, forged.mark);
    assert!(
        matches!(answer, RuleBroken::SignerNotDeclared { signer, .. } if signer == stranger.public().kid())
    );
    // The same with our key's name on the envelope.
    let ours = desk.secrets.sign.public().kid();
    desk.tamper("UPDATE doc SET kid = ?2 WHERE id = ?1", (forged.id.as_bytes(), ours.as_bytes()));
    let answer = broken(&desk, forged.mark);
    assert!(
        matches!(answer, RuleBroken::Unsound { source: DocumentError::WrongSignature { .. }, .. }),
        "{answer}"
    );
}

#[test]
fn our_key_does_not_speak_for_others_nor_before_its_time() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let key = &desk.secrets.sign;
    let issuer = Kid::from_bytes([3; 32]);
    let other = file(&desk, &issued.row, key, |document| document.issuer = issuer);
    assert!(matches!(broken(&desk, other.mark), RuleBroken::NoParty { root } if root == issuer));
    let early = file(&desk, &issued.row, key, |document| {
        document.issued_at = "2026-03-01T00:00:00Z".parse().unwrap();
    });
    assert!(matches!(broken(&desk, early.mark), RuleBroken::SignerOutOfTime { .. }));
}

#[test]
fn what_these_rules_cannot_judge_is_refused() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    type Bend = fn(&mut Handover);
    type Answer<'a> = &'a dyn Fn(&RuleBroken) -> bool;
    let beyond = |answer: &RuleBroken| matches!(answer, RuleBroken::Beyond { .. });
    let missing = |answer: &RuleBroken| matches!(answer, RuleBroken::Missing { .. });
    let unknown = |answer: &RuleBroken| matches!(answer, RuleBroken::BeyondTheseRules(_));
    let bends: [(Bend, Answer<'_>); 5] = [
        (|document| document.depth = 2, &beyond),
        (|document| document.direction = Direction::Up, &beyond),
        (|document| document.recipient_delegation = Some(DocId::from_bytes([1; 32])), &missing),
        (|document| document.issuer_delegation = Some(DocId::from_bytes([1; 32])), &missing),
        (|document| document.wm.scheme = "tm2".to_owned(), &unknown),
    ];
    for (bend, expected) in bends {
        let bent = file(&desk, &issued.row, &desk.secrets.sign, bend);
        let answer = broken(&desk, bent.mark);
        assert!(expected(&answer), "{answer}");
    }
}

#[test]
fn an_edited_vendor_name_is_refused() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    desk.tamper("UPDATE vendor SET handle = 'Wolf', folded = 'wolf'", []);
    let broken = broken(&desk, issued.row.mark);
    assert!(matches!(&broken, RuleBroken::Renamed { stored, .. } if stored == "Wolf"), "{broken}");
}

#[test]
fn a_recipient_whose_record_is_gone_or_forged_is_not_named() {
    let desk = Desk::new();
    let boy = desk.vendor("Boy");
    let issued = desk.hand_over(&boy, &["a.png"]);
    let record = DocId::from_bytes([4; 32]);
    let lost = file(&desk, &issued.row, &desk.secrets.sign, |document| {
        (document.recipient, document.recipient_record) = (record.into(), Some(record));
    });
    assert!(matches!(broken(&desk, lost.mark), RuleBroken::NoRecord(_)));
    let beside = file(&desk, &issued.row, &desk.secrets.sign, |document| document.recipient = record.into());
    assert!(
        matches!(broken(&desk, beside.mark), RuleBroken::NoRecord(_)),
        "the record must be the recipient's"
    );

    let honest: Vendor = desk
        .studio
        .registry()
        .document(boy.record)
        .unwrap()
        .unwrap()
        .open(&desk.secrets.sign.public())
        .unwrap();
    let wolf = Envelope::seal(&Vendor { handle: handle("Wolf"), ..honest }, &desk.secrets.sign).unwrap();
    desk.tamper(
        "UPDATE doc SET payload = ?2, sig = ?3 WHERE id = ?1",
        (boy.record.as_bytes(), wolf.payload(), wolf.signature()),
    );
    let broken = broken(&desk, issued.row.mark);
    assert!(matches!(broken, RuleBroken::Swapped { what: "vendor record", .. }), "{broken}");
}

#[test]
fn edited_frames_are_refused() {
    for sql in [
        "UPDATE frame SET name = 'b.png' WHERE i = 0",
        "UPDATE frame SET pix = sha256 WHERE i = 0",
        "UPDATE frame SET w = 1921 WHERE i = 1",
        "DELETE FROM frame WHERE i = 1",
    ] {
        let desk = Desk::new();
        let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png", "c.png"]);
        desk.tamper(sql, []);
        let broken = broken(&desk, issued.row.mark);
        assert!(matches!(broken, RuleBroken::OtherFrames(id) if id == issued.row.id), "{sql}: {broken}");
    }
}

#[test]
fn the_signed_list_is_the_file_not_only_its_root() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let other =
        file(&desk, &issued.row, &desk.secrets.sign, |document| document.frames_file = Digest::of(b""));
    assert!(matches!(broken(&desk, other.mark), RuleBroken::OtherFrames(_)));
    let frames = desk.studio.registry().frames(issued.row.id).unwrap();
    let list = FrameList::from_records(frames.into_iter().map(|row| row.record).collect()).unwrap();
    assert_eq!(list, issued.frames);
}

#[test]
fn a_bent_registry_names_the_right_one_or_nobody() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png", "b.png"]);
    let (root, mark, path) = (desk.studio.root(), issued.row.mark, desk.registry_path());
    drop(desk.studio);
    let whole = std::fs::read(&path).unwrap();
    let mut named = 0;
    for place in (0..whole.len()).step_by(whole.len() / 400) {
        let mut bent = whole.clone();
        bent[place] ^= 0x41;
        std::fs::write(&path, bent).unwrap();
        let Ok(registry) = Registry::open_read_only(&path) else { continue };
        if let Ok(verified) = verify_handover(&registry, mark, root) {
            assert_eq!((verified.recipient, verified.id), (handle("Boy"), issued.row.id), "byte {place}");
            named += 1;
        }
    }
    assert!(named > 0, "most bytes of a young registry are empty space");
}
