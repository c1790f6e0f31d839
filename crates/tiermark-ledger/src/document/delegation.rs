//! The delegation: what a party may do in somebody's project, and under which secrets.

use super::{Document, Nonce, Standing, statement, uuid_text};
use crate::{Digest, DocId, Kid, Moment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A party with keys takes part in a project.
///
/// Everything in it is within what the issuer was given itself: depth, rights, scope and window can only shrink from step to
/// step (`chain`, rule 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// The root kid of the one who delegates.
    pub issuer: Kid,
    /// The root kid of the delegate: what the statement is about, and therefore its subject.
    #[serde(skip, default = "nobody")]
    pub subject: Kid,
    /// The party document by which the issuer knows the delegate.
    pub subject_party_doc: DocId,
    /// The record of the same vendor from before it had keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<DocId>,
    /// Place of the delegate in the chain, 1 below the producer.
    pub depth: u8,
    /// The deepest place that any mark below may have.
    pub max_depth: u8,
    /// What the delegate may do.
    pub rights: BTreeSet<Right>,
    /// On what.
    pub scope: Scope,
    /// From when.
    pub not_before: Moment,
    /// Until when.
    pub not_after: Moment,
    /// The issuer's own delegation; none where the issuer is the producer.
    pub parent: Option<DocId>,
    /// How the issuer made sure whose key it is.
    pub key_check: KeyCheck,
    /// The epoch of the project's secrets.
    pub epoch: u16,
    /// The commitment to the delegate's node secret, which travels beside this, sealed.
    pub wm_node_commit: Digest,
    /// The commitment to the lattice that all tiers of the project share.
    pub lattice_commit: Digest,
    /// When it was signed.
    pub issued_at: Moment,
    /// Makes two delegations of the same things different.
    pub nonce: Nonce,
}

/// What a delegate may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Be handed frames.
    Receive,
    /// Mark frames for parties below.
    Stamp,
    /// Delegate to parties below.
    Delegate,
    /// Mark work that goes back up.
    Return,
}

impl Right {
    /// All rights with their names.
    pub const NAMED: [(&str, Self); 4] = [
        ("receive", Self::Receive),
        ("stamp", Self::Stamp),
        ("delegate", Self::Delegate),
        ("return", Self::Return),
    ];

    /// The right of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, right)| *right)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, right)| *right == self).map_or("", |(name, _)| name)
    }
}

/// What a delegation covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// One project.
    #[serde(with = "uuid_text")]
    pub project: Uuid,
    /// Its episodes.
    pub episodes: Names,
    /// Kinds of material: layout, key, background.
    pub kinds: Names,
}

impl Scope {
    /// Whether it covers material of this episode and kind.
    pub fn covers(&self, (episode, kind): (Option<&str>, Option<&str>)) -> bool {
        self.episodes.hold(episode) && self.kinds.hold(kind)
    }
}

/// Some names, or `["*"]` for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Names(Vec<String>);

impl Names {
    /// All names.
    pub fn all() -> Self {
        Self(vec!["*".to_owned()])
    }

    /// These names, each once, in order; all, if none is given.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let names: BTreeSet<String> = names.into_iter().map(|name| crate::name::nfc(&name)).collect();
        if names.is_empty() { Self::all() } else { Self(names.into_iter().collect()) }
    }

    fn is_all(&self) -> bool {
        self.0.iter().any(|name| name == "*")
    }

    /// Whether every name of `other` is one of these.
    pub fn cover(&self, other: &Self) -> bool {
        self.is_all() || (!other.is_all() && other.0.iter().all(|name| self.0.contains(name)))
    }

    /// Whether a hand-over may name this; one that names nothing needs all.
    pub fn hold(&self, name: Option<&str>) -> bool {
        self.is_all() || name.is_some_and(|name| self.0.iter().any(|known| known == name))
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// How an issuer made sure whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCheck {
    /// `in-person`, `video`, `notary` or `phone-words`; `none` is honest, too.
    pub how: String,
    /// When.
    pub at: Moment,
}

impl Document for Delegation {
    const TYPE: &'static str = "tiermark:delegation/v1";
    const KIND: &'static str = "delegation";
    const NAME: &'static str = "delegation";

    fn issuer(&self) -> Kid {
        self.issuer
    }

    fn made_at(&self) -> Moment {
        self.issued_at
    }

    fn stands_by(&self) -> Standing {
        self.parent.map_or(Standing::Alone, Standing::By)
    }
}

impl statement::sealed::Sealed for Delegation {
    fn subject(&self) -> (&'static str, Digest) {
        ("subject-root-key", Digest::from_bytes(*self.subject.as_bytes()))
    }

    fn about(self, digest: Digest) -> Option<Self> {
        Some(Self { subject: Kid::from_bytes(*digest.as_bytes()), ..self })
    }
}

fn nobody() -> Kid {
    Kid::from_bytes([0; 32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_only_shrink() {
        let names = |list: &[&str]| Names::of(list.iter().map(|name| (*name).to_owned()));
        assert!(Names::all().cover(&names(&["EP03"])) && Names::all().cover(&Names::all()));
        assert!(names(&["EP03", "EP04"]).cover(&names(&["EP04"])));
        assert!(!names(&["EP03"]).cover(&names(&["EP03", "EP04"])) && !names(&["EP03"]).cover(&Names::all()));
        assert!(names(&["EP03"]).hold(Some("EP03")) && !names(&["EP03"]).hold(Some("EP04")));
        assert!(!names(&["EP03"]).hold(None) && Names::all().hold(None));
        assert_eq!(names(&["b", "a", "b"]), names(&["a", "b"]));
    }
}
