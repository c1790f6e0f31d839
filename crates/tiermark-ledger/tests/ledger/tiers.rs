//! Who handed what to whom, over three tiers, and what must not be believed.

use std::collections::{BTreeMap, BTreeSet};

use crate::desk::{Desk, handle, passphrase, source};
use crate::story::{
    ALL, Steps, Story, at, copy_of, enrol, filed, grade, ground, hand, packet_of, passed_on, play, receive,
    refusals, seal, sent, terms,
};
use tiermark_ledger::chain::{Grade, RuleBroken};
use tiermark_ledger::document::Right;
use tiermark_ledger::keys::tree::Direction;
use tiermark_ledger::studio::{Order, Outcome, Terms};
use tiermark_ledger::{Digest, DocId, StudioError};

#[test]
fn the_honest_story_ends_at_g4_and_the_chain_is_named() {
    let story = Story::new();
    let (to_a, to_b) = play(&story, ALL);
    let p = &story.p.studio;
    assert_eq!((grade(&story.p, to_a).unwrap(), grade(&story.p, to_b).unwrap()), (Grade::G4, Grade::G4));
    let (upper, lower) = (p.verify(to_a.mark_id()).unwrap(), p.verify(to_b.mark_id()).unwrap());
    let people = |v: &tiermark_ledger::VerifiedHandover| (v.issuer.to_string(), v.recipient.to_string());
    assert_eq!(people(&upper), ("Producer".to_owned(), "Animate".to_owned()));
    assert_eq!(people(&lower), ("Animate".to_owned(), "Below".to_owned()));
    assert_eq!((upper.document.depth, lower.document.depth), (1, 2));
    // Read together or the lower one alone, it is one chain.
    let both = [upper, lower];
    for read in [&both[..], &both[1..]] {
        let chains = p.lineage(read, p.root()).unwrap();
        assert_eq!(chains.len(), 1);
        let ids: Vec<DocId> = chains[0].iter().map(|link| link.handover.id).collect();
        assert_eq!(ids, [to_a, to_b]);
        assert_eq!(chains[0].iter().filter(|link| link.read).count(), read.len());
    }
    // The vendor itself can follow its own part, from the producer's root.
    let at_a = story.a.studio.verify_from(to_b.mark_id(), p.root()).unwrap();
    assert_eq!(at_a.grade(), Grade::G4);
}

#[test]
fn what_was_left_out_lowers_the_grade() {
    let story = Story::new();
    let (_, to_b) = play(&story, Steps { b_answers: false, ..ALL });
    assert_eq!(grade(&story.p, to_b).unwrap(), Grade::G2, "no receipt, no cosignature");
    let story = Story::new();
    let (to_a, _) = play(&story, Steps { a_answers: false, a_files: false, ..ALL });
    assert_eq!(grade(&story.p, to_a).unwrap(), Grade::G2);
    let story = Story::new();
    let (_, to_b) = play(&story, Steps { a_files: false, ..ALL });
    assert!(matches!(grade(&story.p, to_b), Err(RuleBroken::UnknownMark(_))), "never filed");
}

#[test]
fn cosigned_but_not_acknowledged_is_g3() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    let first = hand(p, None, "Animate", &[source("1.png", "s")], 10).unwrap();
    let second = hand(p, None, "Animate", &[source("2.png", "s")], 11).unwrap();
    // A answers the second only; its cosignature covers the first, too.
    let answer = receive(a, p, packet_of(p, &second, 12), 13).unwrap();
    assert_eq!(refusals(filed(p, &answer, 14)), Vec::<String>::new());
    assert_eq!(grade(p, first.row.id).unwrap(), Grade::G3);
    assert_eq!(grade(p, second.row.id).unwrap(), Grade::G4);
}

#[test]
fn documents_come_in_any_order_and_twice() {
    let story = Story::new();
    let (_, to_b) = play(&story, Steps { a_files: false, ..ALL });
    let whole = story.a.studio.packet_of(to_b).unwrap();
    let mut backwards = whole.clone();
    backwards.documents.reverse();
    assert_eq!(refusals(filed(&story.p, &backwards, 30)), Vec::<String>::new());
    let again = filed(&story.p, &whole, 31);
    assert!(again.iter().all(|line| line.what == "proof" || line.outcome == Outcome::Before), "{again:?}");
    assert_eq!(grade(&story.p, to_b).unwrap(), Grade::G4);
}

#[test]
fn one_document_at_a_time_makes_the_same_chain() {
    let story = Story::new();
    let (_, to_b) = play(&story, Steps { a_files: false, ..ALL });
    let whole = story.a.studio.packet_of(to_b).unwrap();
    for (n, envelope) in whole.documents.iter().enumerate() {
        let mut one = whole.clone();
        one.documents.clear();
        one.proofs.clear();
        one.checkpoints.clear();
        one.add(envelope.clone());
        assert_eq!(refusals(filed(&story.p, &one, 30 + n as i64)), Vec::<String>::new());
    }
    assert_eq!(grade(&story.p, to_b).unwrap(), Grade::G2, "the log's word is missing still");
    let mut proofs = whole;
    proofs.documents.clear();
    filed(&story.p, &proofs, 60);
    assert_eq!(grade(&story.p, to_b).unwrap(), Grade::G4);
}

#[test]
fn rights_can_only_shrink() {
    let beyond = |to_a: Terms, to_b: Terms| match Story::with(&to_a, &to_b) {
        Err(StudioError::Rule(RuleBroken::Beyond { why, .. })) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was delegated"),
    };
    let only = |rights: &[Right]| Terms { rights: rights.iter().copied().collect(), ..terms() };
    assert_eq!(beyond(only(&[Right::Receive, Right::Stamp]), terms()), "it may not delegate");
    let three: BTreeSet<Right> = [Right::Receive, Right::Stamp, Right::Delegate].into();
    assert_eq!(beyond(Terms { rights: three, ..terms() }, terms()), "its rights are widened");
    let episode = |name: &str| Terms { episodes: vec![name.to_owned()], ..terms() };
    assert_eq!(beyond(episode("EP03"), episode("EP04")), "its episodes are widened");
    let until = |text: &str| Terms { until: Some(text.parse().unwrap()), ..terms() };
    let (near, far) = (until("2026-12-31T00:00:00Z"), until("2027-12-31T00:00:00Z"));
    assert_eq!(beyond(near, far), "its validity is widened");
    let depth = |deepest: u8| Terms { max_depth: Some(deepest), ..terms() };
    assert_eq!(beyond(depth(1), terms()), "too deep");
    assert_eq!(beyond(depth(2), depth(3)), "its depth limit is widened");
}

#[test]
fn who_may_only_receive_stamps_for_nobody() {
    let receive_only = Terms { rights: [Right::Receive].into(), ..terms() };
    let story = Story::with(&terms(), &receive_only).unwrap();
    let wolf = story.b.studio.add_vendor(&story.b.secrets, &handle("Wolf"), None, at(5)).unwrap();
    let answer = hand(&story.b, Some(0), wolf.handle.as_str(), &[source("x.png", "s")], 40);
    assert!(
        matches!(answer, Err(StudioError::Rule(RuleBroken::Beyond { why: "it may not stamp", .. }))),
        "{:?}",
        answer.err()
    );
}

#[test]
fn a_vendor_without_keys_stands_at_every_step() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    a.studio.add_vendor(&a.secrets, &handle("Wolf"), None, at(5)).unwrap();
    let to_wolf = hand(a, Some(0), "Wolf", &[source("x.png", "s")], 40).unwrap();
    assert!(a.studio.deliver(&a.secrets, to_wolf.row.id, at(41)).unwrap().unwrap().packet.is_none());
    let filing = a.studio.packet_of(to_wolf.row.id).unwrap();
    // The producer does not call A's vendor by any name of its own: only the signed record counts.
    assert_eq!(refusals(filed(p, &filing, 42)), Vec::<String>::new());
    let verified = p.studio.verify(to_wolf.row.mark).unwrap();
    assert_eq!((verified.recipient.as_str(), verified.document.depth), ("Wolf", 2));
}

#[test]
fn a_vendor_that_enrols_later_keeps_its_record() {
    let (p, a) = (Desk::named("Producer"), Desk::named("Animate"));
    let before = p.vendor("Animate");
    let first = p.hand_over(&before, &["1.png"]);
    enrol(&p, &a, None, &terms(), 1).unwrap();
    let second = hand(&p, None, "Animate", &[source("2.png", "s")], 10).unwrap();
    let (first, second) =
        (p.studio.verify(first.row.mark).unwrap(), p.studio.verify(second.row.mark).unwrap());
    assert_eq!(first.recipient, second.recipient);
    assert_eq!(p.studio.delegation(second.record).unwrap().record, Some(before.record));
}

#[test]
fn work_goes_back_up() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    let ground = ground(a, Some(0));
    let up = a.studio.above(&ground).unwrap();
    let order = Order { direction: Direction::Up, ..Order::down(&ground, &up) };
    let issued = a.studio.issue(&a.secrets, &order, &[source("done.png", "s")], at(40)).unwrap();
    seal(a, &issued);
    let answer = receive(p, a, packet_of(a, &issued, 41), 42).unwrap();
    assert_eq!(refusals(filed(a, &answer, 43)), Vec::<String>::new());
    let verified = p.studio.verify(issued.row.mark).unwrap();
    assert_eq!((verified.issuer.as_str(), verified.recipient.as_str()), ("Animate", "Producer"));
    assert_eq!((verified.document.depth, verified.document.direction), (1, Direction::Up));
    let no_one = p.studio.above(&crate::story::ground(p, None));
    assert!(matches!(no_one, Err(StudioError::MayNot(_))));
}

#[test]
fn two_marks_without_upstream_are_two_chains() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    let to_a = hand(p, None, "Animate", &[source("1.png", "s")], 10).unwrap();
    receive(a, p, packet_of(p, &to_a, 11), 12).unwrap();
    let own = hand(a, Some(0), "Below", &[source("1.png", "s")], 20).unwrap();
    let _ = packet_of(a, &own, 21);
    filed(p, &a.studio.packet_of(own.row.id).unwrap(), 30);
    let read = [to_a.row.mark, own.row.mark].map(|mark| p.studio.verify(mark).unwrap());
    assert_eq!(p.studio.lineage(&read, p.studio.root()).unwrap().len(), 2);
}

#[test]
fn a_secret_for_another_or_bent_is_not_accepted() {
    let (p, a, b) = (Desk::named("Producer"), Desk::named("Animate"), Desk::named("Below"));
    for desk in [&a, &b] {
        filed(&p, &desk.studio.export_party().unwrap(), 1);
    }
    let ground = ground(&p, None);
    let (id, packet) = p.studio.delegate(&p.secrets, &ground, a.studio.root(), &terms(), at(2)).unwrap();
    assert!(matches!(b.studio.accept(&b.secrets, &packet, None, at(3)), Err(StudioError::Packet(_))));
    let (_, other) = p.studio.delegate(&p.secrets, &ground, b.studio.root(), &terms(), at(2)).unwrap();
    let mut bent = packet.clone();
    bent.sealed.insert(id, other.sealed.values().next().unwrap().clone());
    assert!(matches!(a.studio.accept(&a.secrets, &bent, None, at(3)), Err(StudioError::Packet(_))));
    assert_eq!(a.studio.grounds(&a.secrets).unwrap().len(), 1, "nothing stays behind");
    let wrong = a.studio.accept(&a.secrets, &packet, Some(b.studio.root()), at(3));
    assert!(matches!(wrong, Err(StudioError::Packet(_))), "another root than the telephone said");
    assert!(a.studio.accept(&a.secrets, &packet, Some(p.studio.root()), at(3)).is_ok());
}

#[test]
fn a_stolen_key_is_revoked_with_a_cut_off() {
    use tiermark_ledger::document::Target;
    let story = Story::new();
    let Story { p, a, b } = &story;
    let (_, before) = play(&story, ALL);
    let stolen = a.secrets.sign.public().kid();
    let target = (Target::Key, Digest::from_bytes(*stolen.as_bytes()));
    let revoked = a.studio.revoke(&a.secrets, &passphrase(), target, "stolen laptop", at(50)).unwrap();
    assert_eq!(refusals(filed(p, &revoked.packet, 51)), Vec::<String>::new());
    assert_eq!(grade(p, before).unwrap(), Grade::G4, "logged before the cut-off");
    // The thief signs on with the key that it has.
    let sources = [source("thief.png", "s")];
    let ground = ground(a, Some(0));
    let recipient = a.studio.recipient("Below", &ground, at(52));
    let after =
        recipient.and_then(|r| a.studio.issue(&a.secrets, &Order::down(&ground, &r), &sources, at(52)));
    assert!(after.is_ok(), "the thief's own registry does not care");
    let after = after.unwrap();
    seal(a, &after);
    let packet = packet_of(a, &after, 53);
    assert!(b.studio.to_receive(packet, at(54)).is_ok(), "B has not heard of it yet");
    let lines = filed(p, &a.studio.packet_of(after.row.id).unwrap(), 55);
    let refused = refusals(lines);
    assert!(refused.iter().any(|why| why.contains("revoked")), "{refused:?}");
    // A goes on with a new key.
    let renewed = a.studio.rotate(&passphrase(), at(60)).unwrap();
    assert_eq!(refusals(filed(p, &renewed, 61)), Vec::<String>::new());
    let a = a.reopened();
    let honest = hand(&a, Some(0), "Below", &[source("4.png", "s")], 62).unwrap();
    let _ = packet_of(&a, &honest, 63);
    assert_eq!(refusals(filed(p, &a.studio.packet_of(honest.row.id).unwrap(), 64)), Vec::<String>::new());
    assert_eq!(grade(p, honest.row.id).unwrap(), Grade::G2);
}

#[test]
fn a_stranger_revokes_nothing() {
    use tiermark_ledger::document::Target;
    let story = Story::new();
    let (to_a, _) = play(&story, ALL);
    let Story { p, a, b } = &story;
    let key = Digest::from_bytes(*p.secrets.sign.public().kid().as_bytes());
    filed(b, &p.studio.export_party().unwrap(), 1);
    let refused = b.studio.revoke(&b.secrets, &passphrase(), (Target::Key, key), "mischief", at(50));
    assert!(matches!(refused, Err(StudioError::MayNot(_))));
    let from_a = a.studio.revoke(&a.secrets, &passphrase(), (Target::Key, key), "mischief", at(50));
    assert!(matches!(from_a, Err(StudioError::MayNot(_))));
    assert_eq!(grade(p, to_a).unwrap(), Grade::G4);
}

#[test]
fn a_rewritten_log_is_refused_by_who_saw_it_before() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    let first = hand(p, None, "Animate", &[source("1.png", "s")], 10).unwrap();
    receive(a, p, packet_of(p, &first, 11), 12).unwrap();
    let second = hand(p, None, "Animate", &[source("2.png", "s")], 20).unwrap();
    // P changes a line of its log that A has seen, and the tree above it.
    let leaf = r#"{"at":"2020-01-01T00:00:00Z","id":"#;
    p.tamper("UPDATE leaf SET bytes = CAST(?1 || substr(bytes, 35) AS BLOB) WHERE idx = 1", [leaf]);
    p.tamper_all("UPDATE node SET hash = randomblob(32) WHERE level > 0", []);
    let packet = p.studio.deliver(&p.secrets, second.row.id, at(21)).unwrap().unwrap().packet.unwrap();
    let refused = a.studio.to_receive(sent(&packet), at(22));
    assert!(matches!(refused, Err(StudioError::Packet(_))), "backdated");
}

#[test]
fn files_that_differ_are_named_and_an_empty_folder_gives_no_receipt() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    let sources = ["1.png", "2.png", "3.png"].map(|name| source(name, "s"));
    let issued = hand(p, None, "Animate", &sources, 10).unwrap();
    let what = a.studio.to_receive(packet_of(p, &issued, 11), at(12)).unwrap();
    let there = BTreeMap::from([
        ("1.png".to_owned(), copy_of(p, "1.png")),
        ("2.png".to_owned(), Digest::of(b"other")),
    ]);
    let seen = what.compare(&there);
    assert_eq!(
        (seen.right.len(), &seen.changed[..], &seen.missing[..]),
        (1, &["2.png".to_owned()][..], &["3.png".to_owned()][..])
    );
    let nothing = what.compare(&BTreeMap::new());
    assert!(matches!(a.studio.receive(&a.secrets, &what, &nothing, at(13)), Err(StudioError::MayNot(_))));
}

#[test]
fn who_puts_itself_above_another_revokes_nothing_there() {
    use tiermark_ledger::document::{Delegation, Envelope, Names, Nonce, Scope, Target};
    let story = Story::new();
    let (to_a, to_b) = play(&story, ALL);
    let Story { p, b, .. } = &story;
    filed(b, &p.studio.export_party().unwrap(), 40);
    // B signs a delegation to P: by that paper it stands above P.
    let own = b.studio.delegation(b.studio.grounds(&b.secrets).unwrap()[1].delegation.unwrap()).unwrap();
    let (episodes, kinds) = (Names::all(), Names::all());
    let usurping = Delegation {
        issuer: b.studio.root(),
        subject: p.studio.root(),
        parent: None,
        depth: 1,
        scope: Scope { project: own.scope.project, episodes, kinds },
        nonce: Nonce::from_bytes([9; 16]),
        ..own
    };
    let mut packet = b.studio.export_party().unwrap();
    packet.add(Envelope::seal(&usurping, &b.secrets.sign).unwrap());
    filed(p, &packet, 41);
    filed(b, &packet, 41);
    let key = Digest::from_bytes(*p.secrets.sign.public().kid().as_bytes());
    // Its own program may help it or not; what counts is what P believes.
    if let Ok(revoked) = b.studio.revoke(&b.secrets, &passphrase(), (Target::Key, key), "mischief", at(50)) {
        filed(p, &revoked.packet, 51);
    }
    assert_eq!((grade(p, to_a).unwrap(), grade(p, to_b).unwrap()), (Grade::G4, Grade::G4));
}

#[test]
fn a_party_that_nobody_delegated_to_is_no_witness() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    let stranger = Desk::named("Sock puppet");
    filed(p, &stranger.studio.export_party().unwrap(), 5);
    let issued = hand(p, None, "Animate", &[source("1.png", "s")], 10).unwrap();
    let packet = packet_of(p, &issued, 11);
    filed(&stranger, &p.studio.export_party().unwrap(), 11);
    let note = stranger.studio.cosign(&stranger.secrets, &packet, at(12)).unwrap();
    let mut shown = stranger.studio.export_party().unwrap();
    shown.show(&note);
    assert_eq!(refusals(filed(p, &shown, 13)), Vec::<String>::new());
    assert_eq!(grade(p, issued.row.id).unwrap(), Grade::G2, "a stranger's word");
    // The same from a vendor.
    let note = a.studio.cosign(&a.secrets, &packet, at(14)).unwrap();
    let mut shown = a.studio.export_party().unwrap();
    shown.show(&note);
    filed(p, &shown, 15);
    assert_eq!(grade(p, issued.row.id).unwrap(), Grade::G3);
}

#[test]
fn naming_somebody_elses_hand_over_as_upstream_hides_nobody() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    p.vendor("Wolf");
    let to_wolf = hand(p, None, "Wolf", &[source("1.png", "EP03-034")], 10).unwrap();
    // A says that its drawing came down with what the Wolf got.
    let from_a = hand(a, Some(0), "Below", &passed_on(a, &to_wolf, &["1.png"]), 20).unwrap();
    let _ = packet_of(a, &from_a, 21);
    filed(p, &a.studio.packet_of(from_a.row.id).unwrap(), 30);
    let read = [to_wolf.row.mark, from_a.row.mark].map(|mark| p.studio.verify(mark).unwrap());
    let chains = p.studio.lineage(&read, p.studio.root()).unwrap();
    assert_eq!(chains.len(), 2, "the Wolf's mark was read, and is named");
}

#[test]
fn every_hand_over_that_was_read_stands_in_some_chain() {
    let story = Story::new();
    let Story { p, a, .. } = &story;
    let given =
        ["1.png", "2.png"].map(|name| hand(p, None, "Animate", &[source(name, "EP03-034")], 10).unwrap());
    let mut both = passed_on(a, &given[0], &["1.png"]);
    both.extend(passed_on(a, &given[1], &["2.png"]));
    let on = hand(a, Some(0), "Below", &both, 20).unwrap();
    let _ = packet_of(a, &on, 21);
    filed(p, &a.studio.packet_of(on.row.id).unwrap(), 30);
    let marks = [given[0].row.mark, given[1].row.mark, on.row.mark];
    let read = marks.map(|mark| p.studio.verify(mark).unwrap());
    let chains = p.studio.lineage(&read, p.studio.root()).unwrap();
    let named: BTreeSet<DocId> = chains.iter().flatten().map(|link| link.handover.id).collect();
    assert_eq!(named, read.iter().map(|handover| handover.id).collect(), "{chains:?}");
}
