//! The rooms: whom each may import, and the words it never says.
//!
//! The table of ARCHITECTURE.md, once more, for the machine. A crate without a row here is a trespass in itself,
//! so that nobody adds a room without saying what question it answers.

/// One crate of the workspace, and its borders.
#[derive(Debug)]
pub(crate) struct Room {
    /// The name of the package.
    pub(crate) name: &'static str,
    /// The rooms it may depend on, in builds and in its own tests.
    pub(crate) imports: &'static [&'static str],
    /// Words that no name declared in it may contain: singular, lower case.
    pub(crate) never_says: &'static [&'static str],
}

/// The row of `name`, if the table has one.
pub(crate) fn room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

/// Every room, from the ground up.
pub(crate) const ROOMS: [Room; 8] = [
    Room {
        name: "tiermark-signal",
        imports: &[],
        never_says: &["key", "payload", "party", "vendor", "recipient", "file", "path", "clock"],
    },
    Room {
        name: "tiermark-mark",
        imports: &["tiermark-signal"],
        never_says: &["party", "vendor", "recipient", "file", "path", "clock"],
    },
    Room {
        name: "tiermark-frame",
        imports: &["tiermark-signal"],
        never_says: &["key", "payload", "party", "vendor", "recipient"],
    },
    Room { name: "tiermark-ledger", imports: &[], never_says: &["pixel", "plane", "sample", "format"] },
    Room {
        name: "tiermark",
        imports: &["tiermark-signal", "tiermark-mark", "tiermark-frame", "tiermark-ledger"],
        never_says: &["terminal"],
    },
    // What the program must not hold, decisions, is no word that a machine could look for.
    Room { name: "tiermark-cli", imports: &["tiermark"], never_says: &[] },
    // The journeys look into every room; nothing imports them.
    Room {
        name: "tiermark-tests",
        imports: &["tiermark-signal", "tiermark-mark", "tiermark-frame", "tiermark-ledger", "tiermark"],
        never_says: &[],
    },
    Room { name: "xtask", imports: &[], never_says: &[] },
];

/// Names that hold a forbidden word and stay, each with its reason.
pub(crate) const SPOKEN_ALL_THE_SAME: &[Exception] = &[
    Exception { room: "tiermark-frame", name: "Key", reason: COLOUR_KEY },
    Exception { room: "tiermark-frame", name: "key", reason: COLOUR_KEY },
    Exception { room: "tiermark-frame", name: "step_off_the_key", reason: COLOUR_KEY },
];

const COLOUR_KEY: &str =
    "the one colour that a PNG declares transparent (tRNS) is called a colour key everywhere";

/// A name that a room may declare although it holds a word the room never says.
#[derive(Debug)]
pub(crate) struct Exception {
    /// The room that declares it.
    pub(crate) room: &'static str,
    /// The whole name, as written.
    pub(crate) name: &'static str,
    /// Why another word would be worse.
    pub(crate) reason: &'static str,
}

impl Exception {
    /// Whether it is about this name in this room.
    pub(crate) fn covers(&self, room: &str, name: &str) -> bool {
        self.room == room && self.name == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_only_point_down() {
        for (place, here) in ROOMS.iter().enumerate() {
            for import in here.imports {
                let below = ROOMS.iter().position(|room| room.name == *import);
                assert!(below.is_some_and(|below| below < place), "{} -> {import}", here.name);
            }
        }
    }

    #[test]
    fn every_exception_is_needed_and_explained() {
        for exception in SPOKEN_ALL_THE_SAME {
            let room = room(exception.room).expect("an exception names a room");
            let forbidden = crate::words::forbidden(exception.name, room.never_says);
            assert!(forbidden.is_some(), "{} holds no forbidden word", exception.name);
            assert!(exception.reason.len() > 20, "{}: say why", exception.name);
        }
    }
}
