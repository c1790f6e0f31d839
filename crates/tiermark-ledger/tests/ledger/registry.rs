//! What the registry keeps through kills, repeats and crowds.

use crate::desk::{Desk, handle, now, source};
use tiermark_ledger::document::Envelope;
use tiermark_ledger::store::{FrameState, HandoverState, Output, StoreError};
use tiermark_ledger::{Digest, PartyId, Registry, Studio};

fn output(i: u32, bytes: &str) -> Output {
    Output {
        i,
        sha256: Digest::of(bytes.as_bytes()),
        pix: Digest::of(b"values"),
        psnr_centi_db: 4512,
        z_milli: 27_900,
    }
}

#[test]
fn vendors_are_found_in_any_spelling() {
    let desk = Desk::new();
    let (boy, wolf) = (desk.vendor("羊飼い Boy"), desk.vendor("Wolf"));
    let registry = desk.studio.registry();
    assert_eq!(registry.find_vendor(&handle("羊飼い　ｂｏｙ")).unwrap(), Some(boy.clone()));
    assert_eq!(registry.find_vendor(&handle("Shepherd")).unwrap(), None);
    assert_eq!(registry.vendors().unwrap(), [wolf, boy]);
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let desk = Desk::new();
    let boy = desk.vendor("Boy");
    let issued = desk.hand_over(&boy, &["a.png", "b.png"]);
    desk.studio.registry().seal_frames(issued.row.id, &[output(0, "marked a")]).unwrap();
    let path = desk.studio.folder().to_owned();
    drop(desk.studio);

    let again = Studio::open(&path).unwrap();
    let find = |name: &str| {
        let found = again.registry().find_source(boy.party(), name, source(name, "").sha256, None).unwrap();
        found.map(|(handover, frame)| (handover.mark, frame.record.i, frame.state))
    };
    assert_eq!(find("a.png"), Some((issued.row.mark, 0, FrameState::Sealed)));
    assert_eq!(find("b.png"), Some((issued.row.mark, 1, FrameState::Pending)));
    assert_eq!(find("c.png"), None);
    let stranger = PartyId::from_bytes([7; 32]);
    assert_eq!(
        again.registry().find_source(stranger, "a.png", source("a.png", "").sha256, None).unwrap(),
        None
    );
    let changed = Digest::of(b"a.png, painted over");
    assert_eq!(again.registry().find_source(boy.party(), "a.png", changed, None).unwrap(), None);
}

#[test]
fn a_repeated_run_meets_the_first_hand_over() {
    let desk = Desk::new();
    let boy = desk.vendor("Boy");
    let first = desk.hand_over(&boy, &["a.png"]);
    let second = desk.hand_over(&boy, &["a.png"]);
    assert_ne!(first.row.mark, second.row.mark, "the nonce makes them two");
    let found =
        desk.studio.registry().find_source(boy.party(), "a.png", source("a.png", "").sha256, None).unwrap();
    assert_eq!(found.unwrap().0, first.row);
    assert_eq!(desk.studio.registry().mark_ids().unwrap(), [first.row.mark, second.row.mark]);
}

#[test]
fn a_name_from_another_system_is_the_same_name() {
    let desk = Desk::new();
    let boy = desk.vendor("Boy");
    let sources = [source("e\u{301}.png", "e\u{301}")];
    let _ = desk.studio.hand_over(&desk.secrets, &boy, &sources, now()).unwrap();
    let found =
        desk.studio.registry().find_source(boy.party(), "\u{e9}.png", sources[0].sha256, None).unwrap();
    assert_eq!(found.unwrap().1.record.shot, "\u{e9}");
}

#[test]
fn a_frame_leaves_with_one_set_of_bytes() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png", "b.png"]);
    let (id, registry) = (issued.row.id, desk.studio.registry());
    registry.seal_frames(id, &[output(0, "marked a")]).unwrap();
    registry.seal_frames(id, &[output(0, "marked a")]).unwrap();
    // All or none: b stays pending, because a is wrong.
    let refused = registry.seal_frames(id, &[output(1, "marked b"), output(0, "other a")]);
    assert!(matches!(refused, Err(StoreError::SealedOtherwise { i: 0, .. })));
    let frames = registry.frames(id).unwrap();
    assert_eq!(frames[0].output, Some(output(0, "marked a")));
    assert_eq!((frames[1].state, frames[1].output), (FrameState::Pending, None));
    assert!(matches!(
        registry.seal_frames(id, &[output(2, "c")]),
        Err(StoreError::UnknownFrame { i: 2, .. })
    ));
    assert!(matches!(registry.refuse_frame(id, 0), Err(StoreError::SealedOtherwise { .. })));
}

#[test]
fn a_hand_over_closes_when_every_frame_is_dealt_with() {
    let desk = Desk::new();
    let boy = desk.vendor("Boy");
    let issued = desk.hand_over(&boy, &["a.png", "b.png", "c.png"]);
    let (id, registry) = (issued.row.id, desk.studio.registry());
    registry.seal_frames(id, &[output(0, "a")]).unwrap();
    registry.refuse_frame(id, 1).unwrap();
    assert_eq!(registry.close_handover(id).unwrap(), 1);
    assert_eq!(registry.handovers().unwrap()[0].state, HandoverState::Open);
    registry.seal_frames(id, &[output(2, "c")]).unwrap();
    assert_eq!(registry.close_handover(id).unwrap(), 0);
    assert_eq!(registry.handovers().unwrap()[0].state, HandoverState::Closed);
    let counts = registry.counts(boy.party()).unwrap();
    assert_eq!((counts.handovers, counts.open, counts.frames, counts.sealed), (1, 0, 3, 2));
    assert_eq!(counts.last_issued_at.unwrap().to_string(), "2026-03-02T09:00:00Z");
    let none = registry.counts(desk.vendor("Wolf").party()).unwrap();
    assert_eq!((none.handovers, none.frames, none.last_issued_at), (0, 0, None));
}

#[test]
fn a_mark_is_handed_out_once() {
    let desk = Desk::new();
    let issued = desk.hand_over(&desk.vendor("Boy"), &["a.png"]);
    let verified = desk.studio.verify(issued.row.mark).unwrap();
    let same = Envelope::seal(&verified.document, &desk.secrets.sign).unwrap();
    let twin = desk.studio.registry().add_handover(&same, &verified.document, &issued.frames);
    assert!(matches!(twin, Err(StoreError::TwinMark(mark)) if mark == issued.row.mark));
    assert_eq!(desk.studio.registry().mark_ids().unwrap().len(), 1);
}

#[test]
fn several_programs_write_at_once() {
    let desk = Desk::new();
    let boy = desk.vendor("Boy");
    let (path, id) = (desk.registry_path(), desk.hand_over(&boy, &["a", "b", "c", "d"]).row.id);
    std::thread::scope(|scope| {
        for i in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let registry = Registry::open(path).unwrap();
                (0..10).for_each(|_| registry.seal_frames(id, &[output(i, "marked")]).unwrap());
            });
        }
    });
    let frames = desk.studio.registry().frames(id).unwrap();
    assert!(frames.iter().all(|frame| frame.state == FrameState::Sealed));
}
