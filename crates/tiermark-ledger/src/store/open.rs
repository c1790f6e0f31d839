//! Making and opening the file.

use super::schema::{APPLICATION_ID, STEPS, VERSION};
use super::{Registry, StoreError, named};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

impl Registry {
    /// A new, empty registry.
    ///
    /// # Errors
    /// When there is a file already, or the disk refuses.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        if path.exists() {
            return Err(StoreError::AlreadyThere { path: path.to_owned() });
        }
        let fresh = || {
            let connection =
                connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            led_on(&connection, 0)?;
            Ok(connection)
        };
        let connection = fresh().map_err(|e| named(path, e))?;
        Ok(Self { path: path.to_owned(), connection })
    }

    /// Opens a registry to read and write.
    ///
    /// # Errors
    /// When it is missing, damaged, something else, or newer than this program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|e| named(path, e))?;
        Self::checked(path, connection)
    }

    /// Opens a registry to read only, also where nothing can be written: a locked folder, a disc.
    ///
    /// SQLite wants to put two small files beside the registry even to read. Where it cannot, the file is
    /// opened as one that nobody changes, which is safe only if no journal with committed lines is left.
    ///
    /// # Errors
    /// As [`Registry::open`], and when such a journal is left.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let look = || connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| named(path, e));
        let opened = look().and_then(|connection| Self::checked(path, connection));
        // An older schema is led on first, where that is possible: nothing reads it any more.
        let opened = match opened {
            Err(StoreError::ReadOnly { .. }) => {
                Self::open(path).and_then(|_| look()).and_then(|connection| Self::checked(path, connection))
            }
            other => other,
        };
        match opened {
            Err(e) if wants_to_write(&e) && path.is_file() => Self::open_immutable(path),
            answer => answer,
        }
    }

    fn open_immutable(path: &Path) -> Result<Self, StoreError> {
        let journal = std::fs::metadata(beside(path, "-wal"));
        if journal.is_ok_and(|journal| journal.len() > 0) {
            return Err(StoreError::JournalLeft { path: path.to_owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = connect(&immutable_uri(path), flags).map_err(|e| named(path, e))?;
        Self::checked(path, connection)
    }

    fn checked(path: &Path, connection: Connection) -> Result<Self, StoreError> {
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let read = || Ok((number("application_id")?, number("user_version")?));
        let (application, version) = read().map_err(|e| named(path, e))?;
        let path = path.to_owned();
        match (application, version) {
            (id, _) if id != i64::from(APPLICATION_ID) => Err(StoreError::NotARegistry { path }),
            (_, found) if found > VERSION => Err(StoreError::TooNew { path, found, known: VERSION }),
            (_, VERSION) => Ok(Self { path, connection }),
            (_, old @ 1..VERSION) => match led_on(&connection, old) {
                Ok(()) => Ok(Self { path, connection }),
                Err(e) => Err(named(&path, e)),
            },
            (_, odd) => Err(StoreError::Damaged { path, why: format!("schema {odd} never existed") }),
        }
    }
}

/// Leads a registry of an older schema to this one, in one step or not at all.
fn led_on(connection: &Connection, old: i64) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for step in STEPS.iter().skip(usize::try_from(old).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // No row of ours comes near: an envelope has at most 64 KiB.
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 256 * 1024)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // The file may come from a stranger: no functions out of its schema, every cell checked.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

fn wants_to_write(error: &StoreError) -> bool {
    match error {
        StoreError::ReadOnly { .. } => true,
        StoreError::Disk { source, .. } => matches!(
            source.sqlite_error_code(),
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure)
        ),
        _ => false,
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The file as a URI of SQLite, every unusual byte written as `%xx`.
fn immutable_uri(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from(if cfg!(windows) { "file:///" } else { "file://" });
    for &byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'/' | b':' | b'.' | b'-' | b'_' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    uri.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;
    use std::fs;

    fn new_registry() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::Builder::new().prefix("a b%#?é").tempdir().unwrap();
        let path = folder.path().join("registry.db");
        drop(Registry::create(&path).unwrap());
        (folder, path)
    }

    #[test]
    fn it_opens_what_it_made_and_never_makes_twice() {
        let (_folder, path) = new_registry();
        assert!(Registry::open(&path).is_ok());
        assert!(!beside(&path, "-wal").exists(), "nothing is left beside a closed registry");
        assert!(Registry::open_read_only(&path).is_ok());
        assert!(matches!(Registry::create(&path).err(), Some(StoreError::AlreadyThere { .. })));
    }

    #[test]
    fn writes_are_durable_and_wait_for_each_other() {
        let (_folder, path) = new_registry();
        let registry = Registry::open(&path).unwrap();
        let text =
            |pragma| registry.connection.pragma_query_value(None, pragma, |row| row.get::<_, String>(0));
        let number =
            |pragma| registry.connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        assert_eq!(text("journal_mode").unwrap(), "wal");
        assert_eq!((number("synchronous"), number("busy_timeout")), (Ok(2), Ok(10_000)));
    }

    #[test]
    fn an_older_registry_is_led_on_by_whoever_opens_it() {
        for open in [Registry::open, Registry::open_read_only] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("registry.db");
            {
                let connection = Connection::open(&path).unwrap();
                connection.execute_batch(STEPS[0]).unwrap();
                let party = r#"{"predicate":{"handle":"Lion Studio"}}"#;
                let insert = "INSERT INTO doc VALUES (?1, 'tiermark:party/v1', ?1, ?2, zeroblob(64))";
                connection.execute(insert, rusqlite::params![[7_u8; 32], party.as_bytes()]).unwrap();
                connection.execute("INSERT INTO party VALUES (?1, ?1, 0)", [[7_u8; 32]]).unwrap();
                let insert = "INSERT INTO frame VALUES (1, 0, 'a.png', ?1, ?1, 1920, 1080, 's', 3, NULL, NULL, NULL, 'pending')";
                let handover = "INSERT INTO handover VALUES (1, ?1, zeroblob(8), ?1, 'p', 0, 'down', 1, 1, '2026-03-02T09:00:00Z', 'open')";
                connection.execute(handover, [[7_u8; 32]]).unwrap();
                connection.execute(insert, [[7_u8; 32]]).unwrap();
                connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
                connection.pragma_update(None, "user_version", 1).unwrap();
            }
            let registry = open(&path).unwrap();
            assert_eq!(registry.frame_sizes().unwrap(), [(1920, 1080, 1)]);
            let kid = crate::Kid::from_bytes([7; 32]);
            assert_eq!(
                registry.known_parties().unwrap(),
                [(kid, crate::Handle::new("Lion Studio").unwrap())]
            );
            assert_eq!(registry.roots("0707070707070707").unwrap(), [kid]);
            let marks = registry.marks_of(kid, crate::keys::tree::Direction::Down, 9).unwrap();
            assert_eq!(marks, (vec![crate::MarkId::from_bytes([0; 8])], 1), "it is the giver of its own");
        }
    }

    #[test]
    fn a_missing_file_stays_missing() {
        let (folder, _) = new_registry();
        let path = folder.path().join("other.db");
        assert!(matches!(Registry::open(&path).err(), Some(StoreError::Disk { .. })));
        assert!(matches!(Registry::open_read_only(&path).err(), Some(StoreError::Disk { .. })));
        assert!(!path.exists());
    }

    #[test]
    fn other_files_and_newer_ones_are_named() {
        let (_folder, path) = new_registry();
        let set =
            |pragma, value: i64| Connection::open(&path).unwrap().pragma_update(None, pragma, value).unwrap();
        set("user_version", VERSION + 1);
        let newer = Registry::open(&path).err().unwrap();
        assert!(matches!(newer, StoreError::TooNew { found: 4, known: 3, .. }), "{newer}");
        set("application_id", 7);
        assert!(matches!(Registry::open(&path).err(), Some(StoreError::NotARegistry { .. })));
        fs::write(&path, []).unwrap();
        assert!(matches!(Registry::open(&path).err(), Some(StoreError::NotARegistry { .. })));
    }

    #[test]
    fn a_damaged_file_names_the_way_out() {
        let (_folder, path) = new_registry();
        fs::write(&path, vec![0x5a; 8192]).unwrap();
        let error = Registry::open(&path).err().unwrap();
        assert!(matches!(error, StoreError::Damaged { .. }));
        assert!(error.to_string().contains("backup"), "{error}");
    }

    #[test]
    fn damage_inside_is_found_when_it_is_met() {
        let (_folder, path) = new_registry();
        let mut bytes = fs::read(&path).unwrap();
        // All pages but those of the schema, which is read when the file is opened.
        let schema: Vec<u32> = {
            let connection = Connection::open(&path).unwrap();
            let mut pages = connection.prepare("SELECT pageno FROM dbstat WHERE name = 'sqlite_schema'").ok();
            let read = pages.as_mut().map(|p| p.query_map([], |row| row.get(0)).unwrap().flatten().collect());
            read.unwrap_or_else(|| (1..=4).collect())
        };
        for (page, bytes) in (1..).zip(bytes.chunks_mut(4096)) {
            if !schema.contains(&page) {
                bytes.fill(0x5a);
            }
        }
        fs::write(&path, bytes).unwrap();
        let registry = Registry::open(&path).unwrap();
        assert!(matches!(registry.mark_ids().err(), Some(StoreError::Damaged { .. })));
    }

    /// Puts something in the way of SQLite's shared memory, which it will neither follow nor replace: this
    /// stands for a read-only medium, also where tests run as root.
    #[cfg(unix)]
    fn make_unwritable(path: &Path) {
        std::os::unix::fs::symlink("/nowhere/at/all", beside(path, "-shm")).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn it_reads_where_nothing_can_be_written() {
        let (_folder, path) = new_registry();
        make_unwritable(&path);
        let registry = Registry::open_read_only(&path).unwrap();
        assert_eq!(registry.mark_ids().unwrap(), []);
        let refused = registry.write(|t| Ok(t.execute("DELETE FROM doc", [])?));
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })));
    }

    #[test]
    #[cfg(unix)]
    fn a_journal_that_cannot_be_read_is_not_passed_over() {
        let (_folder, path) = new_registry();
        make_unwritable(&path);
        fs::write(beside(&path, "-wal"), b"lines that count").unwrap();
        let error = Registry::open_read_only(&path).err().unwrap();
        assert!(matches!(error, StoreError::JournalLeft { .. }), "{error:?}");
    }
}
