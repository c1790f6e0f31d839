//! Which studio is meant, and its passphrase.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use tiermark::ledger::{Passphrase, Secrets, Studio};
use zeroize::Zeroizing;

use crate::args::Common;
use crate::report::Trouble;

/// The name of a studio folder that is found by itself.
pub(crate) const FOLDER: &str = ".tiermark";

/// The folder of the studio that is meant.
pub(crate) fn studio_folder(common: &Common) -> Result<PathBuf, Trouble> {
    if let Some(folder) = &common.studio {
        return Ok(folder.clone());
    }
    let here = std::env::current_dir()?;
    let upward = here.ancestors().map(|folder| folder.join(FOLDER)).find(|folder| folder.is_dir());
    upward.ok_or_else(|| {
        Trouble(format!(
            "no studio: there is no {FOLDER} folder here or above; make one with `tiermark init --name ...`, \
             or name one with --studio"
        ))
    })
}

/// The studio, open for work.
pub(crate) fn open(common: &Common) -> Result<Studio, Trouble> {
    Ok(Studio::open(&studio_folder(common)?)?)
}

/// The studio, open to look only.
pub(crate) fn open_to_look(common: &Common) -> Result<Studio, Trouble> {
    Ok(Studio::open_read_only(&studio_folder(common)?)?)
}

/// The secrets of a studio, after asking for the passphrase.
pub(crate) fn unlock(common: &Common, studio: &Studio) -> Result<Secrets, Trouble> {
    Ok(studio.unlock(&passphrase(common, Asked::Once)?)?)
}

/// How often a person types a passphrase.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To open something.
    Once,
    /// To make something: a slip would lock it for ever.
    Twice,
}

/// The passphrase from the file that was named, or from the terminal; never waited for without one.
pub(crate) fn passphrase(common: &Common, asked: Asked) -> Result<Passphrase, Trouble> {
    if let Some(file) = &common.passphrase_file {
        return from_file(file);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Trouble(
            "a passphrase is needed and there is no terminal to ask on; \
             name a file with --passphrase-file or TIERMARK_PASSPHRASE_FILE"
                .to_owned(),
        ));
    }
    let typed = Zeroizing::new(rpassword::prompt_password("passphrase: ")?);
    if asked == Asked::Twice && *typed != *Zeroizing::new(rpassword::prompt_password("once more: ")?) {
        return Err(Trouble("the two passphrases differ; nothing was made".to_owned()));
    }
    Ok(Passphrase::new(typed.as_bytes().to_vec())?)
}

/// The longest passphrase file. A longer one is another file, or a device without an end.
const LONGEST: usize = 4096;

fn from_file(file: &Path) -> Result<Passphrase, Trouble> {
    let trouble = |why: &str| Trouble(format!("{}: {why}", file.display()));
    // Its full length from the start: a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    File::open(file)
        .and_then(|open| open.take(LONGEST as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| trouble(&format!("the passphrase file could not be read: {error}")))?;
    if bytes.len() > LONGEST {
        return Err(trouble(&format!(
            "the passphrase file is longer than {LONGEST} bytes; is it the right one?"
        )));
    }
    Passphrase::first_line(std::mem::take(&mut *bytes)).map_err(|error| trouble(&error.to_string()))
}
