//! Which found files are frames of one shot.

use std::path::PathBuf;

use crate::inputs::Input;

/// A file's place in a shot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// What the shot is called: the path of its frames with `#` for the number.
    pub(crate) name: PathBuf,
    /// Whether it is the last frame.
    pub(crate) last: bool,
}

/// Shots among files: neighbours in the order of names whose names differ in their frame number only.
pub(crate) struct Shots(Vec<Option<Place>>);

impl Shots {
    /// The shots among `files`, which are in the order of their names.
    pub(crate) fn of(files: &[Input]) -> Self {
        let name = |file: &Input| {
            let shot = file.shot()?;
            let last = shot.rsplit('/').next().unwrap_or(&shot).to_owned();
            Some(file.path.with_file_name(last))
        };
        let names: Vec<Option<PathBuf>> = files.iter().map(name).collect();
        let same = |a: usize, b: Option<usize>| b.is_some_and(|b| names[a].is_some() && names[a] == names[b]);
        let place = |i: usize| {
            let (before, after) = (i.checked_sub(1), (i + 1 < names.len()).then_some(i + 1));
            let (follows, goes_on) = (same(i, before), same(i, after));
            let name = names[i].clone().filter(|_| follows || goes_on)?;
            Some(Place { name, last: !goes_on })
        };
        Self((0..names.len()).map(place).collect())
    }

    /// The place of file number `index`; `None` if it is by itself.
    pub(crate) fn of_file(&self, index: usize) -> Option<Place> {
        self.0.get(index).cloned().flatten()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;
    use crate::inputs::{Inputs, Links};

    #[test]
    fn neighbours_with_numbers_are_a_shot() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["key.png", "walk.0001.png", "walk.0002.png", "walk.0003.png", "run_7.png", "bg_v012.png"]
        {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        let files = Inputs::find(&[folder.path().to_path_buf()], Links::Report).files;
        let shots = Shots::of(&files);
        let told: Vec<(String, Option<bool>)> = files
            .iter()
            .enumerate()
            .map(|(i, file)| (file.name.clone(), shots.of_file(i).map(|place| place.last)))
            .collect();
        let want = [
            ("bg_v012.png", None),
            ("key.png", None),
            ("run_7.png", None),
            ("walk.0001.png", Some(false)),
            ("walk.0002.png", Some(false)),
            ("walk.0003.png", Some(true)),
        ];
        assert_eq!(told, want.map(|(name, last)| (name.to_owned(), last)));
        assert_eq!(shots.of_file(3).unwrap().name, folder.path().join("walk.#.png"));
    }
}
