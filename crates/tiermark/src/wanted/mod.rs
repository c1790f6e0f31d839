//! What a person means by names that are no files: shots with a mark for the number, ranges, lists from other programs.

mod list;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tiermark_frame::{FrameSet, HashReading, Pattern};

use crate::inputs::{Input, Inputs, Links, Unreadable, why};

/// What was asked for, besides names.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Delivery lists: CSV with a column `Filename`, or OpenTimelineIO.
    pub lists: Vec<PathBuf>,
    /// Only these frames; files without a number are left out.
    pub frames: Option<FrameSet>,
    /// How several `#` are read; as one digit each, and as four where that finds nothing, if nobody says.
    pub hashes: Option<HashReading>,
    /// Missing frames are not only said, but count as unreadable.
    pub strict: bool,
}

/// Files, and what a person should know about how they were found.
#[derive(Debug, Default)]
pub struct Meant {
    /// The files.
    pub inputs: Inputs,
    /// Which frames a shot has, which are missing, how its name was read.
    pub notes: Vec<String>,
}

impl Wanted {
    /// All files that `named` and the lists stand for.
    pub fn find(&self, named: &[PathBuf], links: Links) -> Meant {
        let mut meant = Meant::default();
        let (patterns, plain): (Vec<_>, Vec<_>) = named.iter().cloned().partition(|path| is_pattern(path));
        meant.inputs = Inputs::find(&plain, links);
        for path in patterns {
            self.add_shot(&mut meant, &path, &|path| Input::named(path));
        }
        for list in &self.lists {
            self.add_list(&mut meant, list);
        }
        if let Some(frames) = &self.frames {
            meant.inputs.files.retain(|file| frames.has_file(&file.name));
        }
        meant.inputs.files.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
        meant
    }

    /// The files of a shot whose name leaves the number open; `input` makes an input of a path.
    fn add_shot(&self, meant: &mut Meant, path: &Path, input: &dyn Fn(PathBuf) -> Option<Input>) {
        match self.shot(path) {
            Ok((files, note)) => {
                let expected = note.missing.iter().next().is_some();
                if expected && self.strict {
                    let reason = format!("lacks frames {}; render them, or leave out --strict", note.missing);
                    meant.inputs.unreadable.push(Unreadable { path: path.to_path_buf(), reason });
                }
                meant.notes.extend(note.told(path));
                meant.inputs.files.extend(files.into_iter().filter_map(input));
            }
            Err(reason) => meant.inputs.unreadable.push(Unreadable { path: path.to_path_buf(), reason }),
        }
    }

    fn shot(&self, path: &Path) -> Result<(Vec<PathBuf>, Note), String> {
        let (folder, name) = apart(path).ok_or("has no file name")?;
        let pattern = Pattern::parse(name)?.ok_or("leaves no number open")?;
        let names = names_in(folder)?;
        let readings = match self.hashes {
            Some(reading) => vec![reading],
            None => vec![HashReading::OneEach, HashReading::FourEach],
        };
        for reading in readings {
            let pattern = pattern.read_as(reading);
            let numbered = names.iter().filter_map(|name| Some((pattern.number(name)?, name)));
            let mut found: Vec<(i64, &String)> = numbered
                .filter(|(number, _)| self.frames.as_ref().is_none_or(|frames| frames.contains(*number)))
                .collect();
            found.sort();
            if !found.is_empty() {
                let there: FrameSet = found.iter().map(|(number, _)| *number).collect();
                let missing = match pattern.frames().or(self.frames.as_ref()) {
                    Some(asked) => asked.iter().filter(|frame| !there.contains(*frame)).collect(),
                    None => there.holes(),
                };
                let files = found.iter().map(|(_, name)| folder.join(name)).collect();
                return Ok((
                    files,
                    Note {
                        there,
                        missing,
                        sixteen: pattern.is_ambiguous() && reading == HashReading::FourEach,
                    },
                ));
            }
        }
        Err("matches no file; check the folder, the number of digits and the frames".to_owned())
    }

    fn add_list(&self, meant: &mut Meant, list: &Path) {
        let listed = match list::read(list) {
            Ok(listed) => listed,
            Err(reason) => {
                meant.inputs.unreadable.push(Unreadable { path: list.to_path_buf(), reason });
                return;
            }
        };
        let base = list.parent().unwrap_or(Path::new("")).to_path_buf();
        let input = |path: PathBuf| Input::below(path, &base);
        let mut seen = BTreeSet::new();
        for path in listed.into_iter().filter(|path| seen.insert(path.clone())) {
            if is_pattern(&path) {
                self.add_shot(meant, &path, &input);
                continue;
            }
            match std::fs::metadata(&path) {
                Ok(meta) if meta.is_file() => meant.inputs.files.extend(input(path)),
                Ok(_) => meant
                    .inputs
                    .unreadable
                    .push(Unreadable { path, reason: "is listed, and no file".to_owned() }),
                Err(error) => {
                    let reason = format!("is listed in {}, and {}", list.display(), why(&path, &error));
                    meant.inputs.unreadable.push(Unreadable { path, reason });
                }
            }
        }
    }
}

/// What there is to say of a shot.
struct Note {
    there: FrameSet,
    missing: FrameSet,
    /// Several `#` were read as four digits each.
    sixteen: bool,
}

impl Note {
    fn told(&self, path: &Path) -> Option<String> {
        let missing = (!self.missing.is_empty()).then(|| format!("; missing: {}", self.missing));
        let read = self.sixteen.then_some("; each # was read as four digits, as no file has one for each");
        (missing.is_some() || read.is_some()).then(|| {
            format!(
                "{}: frames {}{}{}",
                path.display(),
                self.there,
                missing.unwrap_or_default(),
                read.unwrap_or_default()
            )
        })
    }
}

/// Whether a name is no file, and leaves a number open.
fn is_pattern(path: &Path) -> bool {
    let open = || apart(path).is_some_and(|(_, name)| !matches!(Pattern::parse(name), Ok(None)));
    path.symlink_metadata().is_err() && open()
}

fn apart(path: &Path) -> Option<(&Path, &str)> {
    Some((path.parent().unwrap_or(Path::new("")), path.file_name()?.to_str()?))
}

fn names_in(folder: &Path) -> Result<Vec<String>, String> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries =
        std::fs::read_dir(here).map_err(|error| format!("lies in a folder that {}", why(here, &error)))?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for name in names {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap();
        }
        root
    }

    fn names(meant: &Meant) -> Vec<&str> {
        meant.inputs.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn a_shot_is_its_frames_and_holes_are_said() {
        let root = folder(&["a.1001.exr", "a.1002.exr", "a.1004.exr", "a_v002.exr", "b.1003.exr"]);
        let wanted = Wanted::default();
        for pattern in ["a.####.exr", "a.%04d.exr", "a.@@@@.exr", "a.#.exr", "a.$F4.exr"] {
            let meant = wanted.find(&[root.path().join(pattern)], Links::Follow);
            assert_eq!(names(&meant), ["a.1001.exr", "a.1002.exr", "a.1004.exr"], "{pattern}");
            assert_eq!(meant.notes.len(), 1);
            assert!(meant.notes[0].ends_with("frames 1001-1002,1004; missing: 1003"), "{:?}", meant.notes);
        }
        let strict = Wanted { strict: true, ..Wanted::default() };
        let meant = strict.find(&[root.path().join("a.####.exr")], Links::Follow);
        assert!(meant.inputs.unreadable[0].reason.contains("1003"));
    }

    #[test]
    fn both_readings_of_hashes_are_tried_unless_one_is_named() {
        let root = folder(&["a.0000000000001001.exr"]);
        let pattern = [root.path().join("a.####.exr")];
        let meant = Wanted::default().find(&pattern, Links::Follow);
        assert_eq!(names(&meant).len(), 1);
        assert!(meant.notes[0].contains("four digits"), "{:?}", meant.notes);
        let nuke = Wanted { hashes: Some(HashReading::OneEach), ..Wanted::default() };
        assert!(nuke.find(&pattern, Links::Follow).inputs.unreadable[0].reason.contains("matches no file"));
    }

    #[test]
    fn only_the_frames_that_were_asked_for() {
        let root = folder(&["in/a.1.png", "in/a.2.png", "in/a.3.png", "in/notes.png"]);
        let frames = Some("2-3".parse().unwrap());
        let meant = Wanted { frames, ..Wanted::default() }.find(&[root.path().join("in")], Links::Follow);
        assert_eq!(names(&meant), ["a.2.png", "a.3.png"]);
    }

    #[test]
    fn a_file_with_a_mark_in_its_name_is_that_file() {
        let root = folder(&["a.##.png", "a.01.png"]);
        assert_eq!(
            names(&Wanted::default().find(&[root.path().join("a.##.png")], Links::Follow)),
            ["a.##.png"]
        );
    }

    #[test]
    fn lists_of_deliveries_stand_for_their_files() {
        let root = folder(&["sc01/a.1001.png", "sc01/a.1002.png", "sc02/a.1001.png", "bg.png", "other.png"]);
        let csv = "Link,Filename,Relative Path\nx,a.%04d.png,sc01\ny,a.1001.png,sc02/\n\"z, w\",bg.png,\nv,gone.png,\n";
        std::fs::write(root.path().join("list.csv"), csv).unwrap();
        let wanted = |name: &str| Wanted { lists: vec![root.path().join(name)], ..Wanted::default() };
        let meant = wanted("list.csv").find(&[], Links::Follow);
        assert_eq!(names(&meant), ["bg.png", "sc01/a.1001.png", "sc01/a.1002.png", "sc02/a.1001.png"]);
        assert!(meant.inputs.unreadable[0].reason.contains("list.csv"), "{:?}", meant.inputs.unreadable);

        let otio = r#"{"OTIO_SCHEMA":"Timeline.1","tracks":[{"media_references":{"m":{"OTIO_SCHEMA":
            "ImageSequenceReference.1","target_url_base":"sc01/","name_prefix":"a.","name_suffix":".png","start_frame":1001,
            "frame_step":1,"frame_zero_padding":4,"rate":24,"available_range":{"duration":{"rate":24,"value":2}}}}},
            {"media_reference":{"OTIO_SCHEMA":"ExternalReference.1","target_url":"bg.png"}}]}"#;
        std::fs::write(root.path().join("cut.otio"), otio).unwrap();
        let meant = wanted("cut.otio").find(&[], Links::Follow);
        assert_eq!(names(&meant), ["bg.png", "sc01/a.1001.png", "sc01/a.1002.png"]);

        for (name, text) in [("a.csv", "Link,Name\nx,y\n"), ("b.otio", "{\"a\":"), ("c.otio", "{}")] {
            std::fs::write(root.path().join(name), text).unwrap();
            let meant = wanted(name).find(&[], Links::Follow);
            assert_eq!((meant.inputs.files.len(), meant.inputs.unreadable.len()), (0, 1), "{name}");
        }
    }
}
