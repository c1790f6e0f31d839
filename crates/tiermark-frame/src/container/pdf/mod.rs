//! PDF documents (ISO 32000-2): the pictures on their pages, each with the first page that shows it.
//!
//! Pages are not drawn. A picture is looked at as it is stored, not as a page crops, turns or covers it; JPEG is handed on as
//! the file that it is. Pictures that no page shows any more are looked at too: an editor often leaves them behind. Masks are
//! left out, and pictures inside a page's own instructions are not seen.

mod file;
mod filter;
mod image;
mod object;
pub(crate) mod stored;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::rc::Rc;

use super::walker::Walker;
use super::{ContainerError, Content, Place};
use crate::Limits;
use file::File;
use image::Image;
use object::{Dictionary, Object};

/// Pages that are walked through; more are a circle, or a joke.
const MOST_PAGES: u32 = 1_000_000;

/// Every picture of a document.
pub(super) fn walk(bytes: &[u8], walker: &mut Walker<'_>) -> Result<(), ContainerError> {
    let mut file = File::open(bytes, walker)?;
    let mut pages = Pages::default();
    pages.walk(&mut file)?;
    let masks = masks(&mut file)?;
    let images: BTreeSet<u32> = file.images.iter().copied().collect();
    let mut ordered: Vec<(u32, u32)> = images
        .into_iter()
        .filter(|object| !masks.contains(object))
        .map(|object| (pages.shown.get(&object).copied().unwrap_or(u32::MAX), object))
        .collect();
    ordered.sort_unstable();
    for (page, object) in ordered {
        let Some((dictionary, data)) = file.stream(object)? else { continue };
        let place = Place::Page { page: (page < u32::MAX).then_some(page), object };
        match image::read(&mut file, &dictionary, data, walker)? {
            Ok(Image::File(bytes)) => walker.file(place, bytes)?,
            Ok(Image::Picture(picture)) => walker.picture(place, Ok(picture))?,
            Ok(Image::Nothing) => {}
            Err(error) => walker.picture(place, Err(error))?,
        }
    }
    Ok(())
}

/// Whether a document can be looked at at all: it is not encrypted, and not made to take for ever.
pub(crate) fn look_through(bytes: &[u8], limits: &Limits) -> Result<(), ContainerError> {
    let mut nobody = |_: &[Place], _: Content| ControlFlow::Continue(());
    File::open(bytes, &mut Walker::new(limits, &mut nobody)).map(|_| ())
}

/// The pictures that only say how solid others are.
fn masks(file: &mut File<'_>) -> Result<BTreeSet<u32>, ContainerError> {
    let mut masks = BTreeSet::new();
    for image in file.images.clone() {
        let Some(Object::Dictionary(dictionary)) = file.get(image)? else { continue };
        for key in [&b"SMask"[..], b"Mask"] {
            if let Some(Object::Reference(mask)) = dictionary.get(key) {
                masks.insert(*mask);
            }
        }
    }
    Ok(masks)
}

/// Which page shows which picture first.
#[derive(Default)]
struct Pages {
    shown: BTreeMap<u32, u32>,
    /// Nodes of the tree and forms that were walked through: circles end here.
    seen: BTreeSet<u32>,
}

/// A node of the tree of pages, and what it takes over from those above it.
struct Node {
    object: Object,
    resources: Option<Rc<Inherited>>,
}

/// What all pages below a node may draw. The first of them shows all of it, so that it is walked through once, however
/// many pages there are.
struct Inherited {
    object: Object,
    walked: Cell<bool>,
}

impl Pages {
    fn walk(&mut self, file: &mut File<'_>) -> Result<(), ContainerError> {
        let Some(Object::Dictionary(root)) = file.follow(file.root.clone())? else { return Ok(()) };
        let Some(tree) = root.get(&b"Pages"[..]).cloned() else { return Ok(()) };
        let mut open = vec![Node { object: tree, resources: None }];
        let mut page = 0;
        while let Some(Node { object, resources }) = open.pop() {
            if let Object::Reference(number) = object
                && !self.seen.insert(number)
            {
                continue;
            }
            let Some(Object::Dictionary(node)) = file.follow(Some(object))? else { continue };
            let own = node.get(&b"Resources"[..]).cloned();
            let own = own.map(|object| Rc::new(Inherited { object, walked: Cell::new(false) }));
            let resources = own.or(resources);
            if let Some(Object::Array(kids)) = file.value(&node, b"Kids")? {
                let kids = kids.into_iter().rev();
                open.extend(kids.map(|object| Node { object, resources: resources.clone() }));
                continue;
            }
            page += 1;
            if page > MOST_PAGES {
                return Ok(());
            }
            if let Some(resources) = resources.filter(|resources| !resources.walked.replace(true)) {
                self.resources(file, resources.object.clone(), page)?;
            }
        }
        Ok(())
    }

    /// The pictures among what a page may draw, and those of the forms on it.
    fn resources(&mut self, file: &mut File<'_>, resources: Object, page: u32) -> Result<(), ContainerError> {
        let mut open = vec![Some(resources)];
        while let Some(resources) = open.pop() {
            if let Some(Object::Reference(number)) = resources
                && !self.seen.insert(number)
            {
                continue;
            }
            let Some(Object::Dictionary(resources)) = file.follow(resources)? else { continue };
            let Some(Object::Dictionary(drawn)) = file.value(&resources, b"XObject")? else { continue };
            for (_, one) in drawn {
                let Object::Reference(number) = one else { continue };
                if self.shown.contains_key(&number) || self.seen.contains(&number) {
                    continue;
                }
                let Some(Object::Dictionary(dictionary)) = file.get(number)? else { continue };
                if is_form(&dictionary) {
                    self.seen.insert(number);
                    open.push(dictionary.get(&b"Resources"[..]).cloned());
                } else {
                    self.shown.insert(number, page);
                }
            }
        }
        Ok(())
    }
}

fn is_form(dictionary: &Dictionary) -> bool {
    dictionary.get(&b"Subtype"[..]).is_some_and(|kind| kind.is_name(b"Form"))
}
