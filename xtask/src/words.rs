//! The words a room never says, looked for in the names it declares.
//!
//! A name is what the room calls something of its own: an item, a field, a variant, a parameter, a variable.
//! Names of others that it merely uses (`format!`, `sort_by_key`), comments, texts and tests are free: a room may
//! explain what it leaves to another. The sources are parsed, not searched, so that this line is exact.

use serde_json::Value;
use syn::visit::{self, Visit};

use crate::house::{self, Exception, SPOKEN_ALL_THE_SAME};
use crate::tree;

/// One line for each name that holds a word its room never says.
pub(crate) fn spoken(metadata: &Value) -> Result<Vec<String>, String> {
    let root = tree::root(metadata)?;
    let mut found = Vec::new();
    let mut stale: Vec<&Exception> = SPOKEN_ALL_THE_SAME.iter().collect();
    for (package, folder) in tree::packages(metadata)? {
        let Some(room) = house::room(package).filter(|room| !room.never_says.is_empty()) else { continue };
        for file in tree::rust_files(&folder.join("src"))? {
            let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            let names = declared(&tree::read(&file)?).map_err(|error| format!("{shown}: {error}"))?;
            for name in &names {
                stale.retain(|exception| !exception.covers(package, name));
                if let Some(word) = trespass(package, name, room.never_says) {
                    found.push(format!("{shown}: `{name}`, but {package} never says `{word}`"));
                }
            }
        }
    }
    found.extend(
        stale
            .iter()
            .map(|left| format!("{} no longer says `{}`: strike the exception", left.room, left.name)),
    );
    Ok(found)
}

/// The first of `never_says` that `name` holds, in singular or plural.
pub(crate) fn forbidden(name: &str, never_says: &[&'static str]) -> Option<&'static str> {
    let words = words(name);
    never_says
        .iter()
        .copied()
        .find(|word| words.iter().any(|spoken| spoken == word || is_plural(spoken, word)))
}

/// The forbidden word in `name`, unless the house allows the name.
fn trespass(room: &str, name: &str, never_says: &[&'static str]) -> Option<&'static str> {
    forbidden(name, never_says)
        .filter(|_| !SPOKEN_ALL_THE_SAME.iter().any(|allowed| allowed.covers(room, name)))
}

fn is_plural(spoken: &str, word: &str) -> bool {
    spoken.strip_suffix('s') == Some(word)
        || spoken.strip_suffix("ies").is_some_and(|stem| word.strip_suffix('y') == Some(stem))
}

/// The words of a name in snake, camel or capital case, lower case.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| letters.get(place));
        let after_lower = before.is_some_and(|before| !before.is_uppercase());
        let before_lower = letters.get(place + 1).is_some_and(|next| next.is_lowercase());
        if *letter == '_' || letter.is_uppercase() && (after_lower || before_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| *letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Every name that a source file declares outside its tests.
fn declared(source: &str) -> syn::Result<Vec<String>> {
    let mut names = Names::default();
    names.visit_file(&syn::parse_file(source)?);
    Ok(names.0)
}

#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn push(&mut self, name: &syn::Ident) {
        self.0.push(name.to_string());
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.push(&item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.push(&item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.push(&item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.push(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.push(&item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.push(&item.ident);
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.push(&item.ident);
        visit::visit_item_static(self, item);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.push(&item.ident);
        visit::visit_impl_item_const(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.push(&signature.ident);
        visit::visit_signature(self, signature);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        field.ident.iter().for_each(|name| self.push(name));
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.push(&variant.ident);
        visit::visit_variant(self, variant);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.push(&pattern.ident);
        visit::visit_pat_ident(self, pattern);
    }
}

/// `#[cfg(test)]` or `#[test]`.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("test")
        || attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn a_name_falls_into_its_words() {
        assert_eq!(words("frame_file").join(" "), "frame file");
        assert_eq!(words("FrameFile").join(" "), "frame file");
        assert_eq!(words("PNGFile2").join(" "), "png file2");
        assert_eq!(words("MAX_FILE_SIZE").join(" "), "max file size");
    }

    #[test]
    fn a_word_is_found_in_one_and_many_but_not_inside_another_word() {
        for name in ["key", "MarkKey", "sub_keys", "KEY_LENGTH"] {
            assert_eq!(forbidden(name, &["key"]), Some("key"), "{name}");
        }
        assert_eq!(forbidden("parties", &["party"]), Some("party"));
        for name in ["keyword", "monkey", "turkeys", "profile", "filet"] {
            assert_eq!(forbidden(name, &["key", "file"]), None, "{name}");
        }
    }

    #[test]
    fn an_exception_holds_for_one_name_in_one_room() {
        assert_eq!(trespass("tiermark-frame", "step_off_the_key", &["key"]), None);
        assert_eq!(trespass("tiermark-frame", "secret_key", &["key"]), Some("key"));
        assert_eq!(trespass("tiermark-signal", "step_off_the_key", &["key"]), Some("key"));
    }

    #[test]
    fn every_kind_of_declaration_is_heard() {
        for planted in [
            "mod file {}",
            "struct File;",
            "struct A { file: u8 }",
            "enum File {}",
            "enum A { File }",
            "enum A { B { file: u8 } }",
            "trait File {}",
            "trait A { fn file(); }",
            "type File = u8;",
            "const FILE: u8 = 1;",
            "static FILE: u8 = 1;",
            "impl A { const FILE: u8 = 1; }",
            "impl A { fn open_file(&self) {} }",
            "fn file() {}",
            "fn a(file: u8) {}",
            "fn a() { let (b, file) = c; }",
            "fn a() { b(|file| file); }",
            "mod inner { fn a() { if let Some(file) = b {} } }",
        ] {
            let names = declared(planted).unwrap();
            assert!(names.iter().any(|name| forbidden(name, &["file"]).is_some()), "{planted}: {names:?}");
        }
    }

    #[test]
    fn names_of_others_texts_comments_and_tests_are_free() {
        let source = r#"
            //! file
            /// file
            fn a() { std::file!(); b.file(); c.sort_by_key("file"); File::open(d); }
            #[cfg(test)] mod file { fn file() {} }
            #[test] fn file() {}
        "#;
        assert_eq!(declared(source).unwrap(), ["a"]);
    }

    #[test]
    fn a_source_that_does_not_parse_is_an_error() {
        assert!(declared("fn (").is_err());
    }
}
