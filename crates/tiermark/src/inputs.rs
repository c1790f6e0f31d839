//! Which files a person means by a list of files and folders.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tiermark_frame::numbered;
use tiermark_ledger::name::nfc;
use walkdir::WalkDir;

/// A file to be read, and the name it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// The folder that was named; `None` for a file that was named itself.
    pub root: Option<PathBuf>,
    /// Its path below that folder; a file that was named itself goes by its file name.
    pub below: PathBuf,
    /// The same as text, with `/`, in Unicode's composed form: what documents call it.
    pub name: String,
}

impl Input {
    fn new(path: PathBuf, root: Option<PathBuf>, below: PathBuf) -> Self {
        let parts = below.components().map(|part| part.as_os_str().to_string_lossy());
        let name = nfc(&parts.collect::<Vec<_>>().join("/"));
        Self { path, root, below, name }
    }

    /// A file that was named itself; `None` if it has no file name.
    pub(crate) fn named(path: PathBuf) -> Option<Self> {
        let below = PathBuf::from(path.file_name()?);
        Some(Self::new(path, None, below))
    }

    /// A file of a list, which goes by its path from `base` on, or by its name if it lies elsewhere.
    pub(crate) fn below(path: PathBuf, base: &Path) -> Option<Self> {
        let below = path.strip_prefix(base).ok().map(Path::to_path_buf);
        let plain =
            |path: &PathBuf| path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        match below.filter(plain) {
            Some(below) => Some(Self::new(path, None, below)),
            None => Self::named(path),
        }
    }

    /// The shot that the file is a frame of, if its name is numbered; however many digits the number has.
    pub fn shot(&self) -> Option<String> {
        numbered(&self.name).map(|frame| frame.stem.replacen(&"#".repeat(frame.padding), "#", 1))
    }
}

/// Something named or found that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What it is.
    pub path: PathBuf,
    /// Why, and the way out.
    pub reason: String,
}

/// What to do about links inside a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The owner's own material: a link stands for what it points to.
    Follow,
    /// Somebody else's material: a link may lead anywhere, and is only reported.
    Report,
}

/// Files in the order of their names, and what could not be read.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The files.
    pub files: Vec<Input>,
    /// The rest.
    pub unreadable: Vec<Unreadable>,
}

impl Inputs {
    /// All files that `named` stands for: files as they are, folders with everything below them.
    ///
    /// Hidden files and folders inside a folder (a name that begins with a dot) are left out, as are the notes that
    /// desktops keep beside pictures. Nothing is opened.
    pub fn find(named: &[PathBuf], links: Links) -> Self {
        let mut inputs = Self::default();
        for path in named {
            match std::fs::metadata(path) {
                Ok(meta) if meta.is_dir() => inputs.walk(path, links),
                Ok(meta) if meta.is_file() => match path.file_name() {
                    Some(name) => inputs.files.push(Input::new(path.clone(), None, name.into())),
                    None => inputs.refuse(path, "has no file name"),
                },
                Ok(_) => inputs.refuse(path, "is neither a file nor a folder"),
                Err(error) => inputs.refuse(path, &why(path, &error)),
            }
        }
        inputs.files.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
        inputs
    }

    /// Take out what travels beside frames: packets of ours, and histories of ASC MHL.
    #[must_use]
    pub fn without_papers(mut self) -> Self {
        let paper = |file: &Input| {
            [".handover.json", ".receipt.json"].iter().any(|end| file.name.ends_with(end))
                || file.below.components().any(|part| part.as_os_str() == "ascmhl")
        };
        self.files.retain(|file| file.root.is_none() || !paper(file));
        self
    }

    /// Take out the files whose name another one has too: they would become one output.
    pub fn without_twins(mut self) -> Self {
        let mut count: HashMap<String, usize> = HashMap::new();
        for file in &self.files {
            *count.entry(file.name.clone()).or_default() += 1;
        }
        let twins = self.files.extract_if(.., |file| count.get(&file.name).is_some_and(|n| *n > 1));
        let refused: Vec<Unreadable> = twins
            .map(|file| Unreadable {
                reason: format!(
                    "would be written to the same place as another input, {}; stamp them in two runs with two --out folders",
                    file.name
                ),
                path: file.path,
            })
            .collect();
        self.unreadable.extend(refused);
        self
    }

    fn walk(&mut self, root: &Path, links: Links) {
        let walk = WalkDir::new(root).follow_links(links == Links::Follow).sort_by_file_name();
        let visible = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !is_litter(&entry.file_name().to_string_lossy())
        };
        for entry in walk.into_iter().filter_entry(visible) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    let below = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_path_buf();
                    self.files.push(Input::new(entry.into_path(), Some(root.to_path_buf()), below));
                }
                Ok(entry) if entry.file_type().is_symlink() => {
                    self.refuse(
                        entry.path(),
                        "is a link, which is not followed; name its target to look at it",
                    );
                }
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => self.refuse(entry.path(), "is neither a file nor a folder"),
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_path_buf();
                    let reason = match (error.loop_ancestor(), error.io_error()) {
                        (Some(_), _) => {
                            "is a link that leads back to a folder above it; remove the link".to_owned()
                        }
                        (None, Some(io)) => why(&path, io),
                        (None, None) => error.to_string(),
                    };
                    self.unreadable.push(Unreadable { path, reason });
                }
            }
        }
    }

    fn refuse(&mut self, path: &Path, reason: &str) {
        self.unreadable.push(Unreadable { path: path.to_path_buf(), reason: reason.to_owned() });
    }
}

fn is_litter(name: &str) -> bool {
    name.starts_with('.') || ["thumbs.db", "desktop.ini"].contains(&name.to_ascii_lowercase().as_str())
}

/// The reason behind an error of the file system, in a person's words.
pub(crate) fn why(path: &Path, error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    let is_link = path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_symlink());
    match error.kind() {
        ErrorKind::NotFound if is_link => "is a link to something that is not there".to_owned(),
        ErrorKind::NotFound => "is not there; check the spelling".to_owned(),
        ErrorKind::PermissionDenied => "may not be read; ask its owner for the right to".to_owned(),
        _ if error.raw_os_error() == Some(40) => "is a link that leads back to itself; remove it".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    fn touch(root: &Path, name: &str) {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"x").unwrap();
    }

    fn names(inputs: &Inputs) -> Vec<&str> {
        inputs.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn folders_keep_their_structure_and_litter_stays_behind() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b/원화.png", "a.png", "b/.DS_Store", ".hidden/c.png", "b/Thumbs.db"] {
            touch(root.path(), name);
        }
        let inputs = Inputs::find(&[root.path().to_path_buf(), root.path().join("nothing")], Links::Follow);
        assert_eq!(names(&inputs), ["a.png", "b/원화.png"]);
        assert_eq!(inputs.unreadable.len(), 1);
        assert!(inputs.unreadable[0].reason.contains("not there"));
    }

    #[test]
    fn twins_are_refused_both() {
        let root = tempfile::tempdir().unwrap();
        for name in ["x/a.png", "y/a.png", "y/b.png"] {
            touch(root.path(), name);
        }
        let named = [root.path().join("x"), root.path().join("y")];
        let inputs = Inputs::find(&named, Links::Follow).without_twins();
        assert_eq!(names(&inputs), ["b.png"]);
        assert_eq!(inputs.unreadable.len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_or_reported_and_loops_end() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), "real.png");
        std::os::unix::fs::symlink(root.path().join("real.png"), root.path().join("link.png")).unwrap();
        std::os::unix::fs::symlink(root.path().join("gone.png"), root.path().join("broken.png")).unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("loop")).unwrap();
        let named = [root.path().to_path_buf()];
        let followed = Inputs::find(&named, Links::Follow);
        assert_eq!(names(&followed), ["link.png", "real.png"]);
        assert_eq!(followed.unreadable.len(), 2, "{:?}", followed.unreadable);
        let reported = Inputs::find(&named, Links::Report);
        assert_eq!(names(&reported), ["real.png"]);
        assert_eq!(reported.unreadable.len(), 3);
    }

    #[test]
    fn numbered_files_are_frames_of_a_shot() {
        let shot = |name: &str| Input::new(name.into(), None, name.into()).shot();
        assert_eq!(shot("ep/walk.0001.png"), shot("ep/walk.0002.png"));
        assert_eq!(shot("ep/walk.999.png"), shot("ep/walk.1000.png"));
        assert_ne!(shot("ep/walk.0001.png"), shot("ep2/walk.0001.png"));
        assert_eq!(shot("bg_v002.png"), None);
    }
}
