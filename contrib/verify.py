#!/usr/bin/env python3
"""Check an evidence bundle of tiermark: python3 contrib/verify.py BUNDLE ROOT

ROOT is the fingerprint of the producer's root key (64 hex digits), or that public key in a PEM file: from the contract
or a telephone call, never from the bundle; all else is believed by signature alone, from there on. Written apart from
the program, by its specification: "rule 5" is rule 5 of crates/tiermark-ledger/src/chain/mod.rs. Left out: the form of
fields that no rule reads; whether a mark stands in a found file, which the examiner says; who stands behind a name, so
look at the roots. Ends with 0 if all holds, 1 if something does not, 2 if it cannot be read. Needs `cryptography`.
"""
import base64, collections, datetime, hashlib, json, pathlib, re, sys, unicodedata
from typing import Any, Callable, Iterator, NamedTuple, Optional
try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError: raise SystemExit(print("needs the package `cryptography`: pip install cryptography") or 2)
RECEIVED = "The recipient received these files and knows that each carries an individual invisible mark."
TIERS, MOST_FILES, ORDER = 7, 10_000, 2**252 + 27742317777372353535851937790883648493  # L of RFC 8032
LIMITS = {"finding.dsse.json": 8 << 20, "docs": 64 << 10, "log": 256 << 10, "frames": 256 << 10}  # bytes; others 1 GiB
TIME = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}Z"  # compared as texts
HANDLE = "[^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]{1,120}"  # nothing that cannot be seen
FORMS = {name: form for names, *form in (  # the type of each field that is not any text, and the form of what is in it
    ("from to added_at issued_at received_at effective_at made_at not_before not_after", str, TIME),
    ("handle", str, HANDLE), ("what", str, "new|add|note|seal"), ("direction", str, "down|up"),
    ("seq depth max_depth epoch count missing index size n", int, 0), ("digest predicate scope frames wm it", dict, 0),
    ("signatures subject keys log_cutoffs found reads files", list, dict),
    ("rights episodes kinds upstream chain path", list, str)) for name in names.split()}
SAYS = dict(  # each kind of document: who says it, when, and the delegation by which it stands, if it names that itself
    delegation="issuer issued_at parent", handover="issuer issued_at issuer_delegation", vendor="issuer added_at",
    receipt="recipient received_at", revocation="issuer effective_at", finding="examiner made_at")
LINE, NUMBER, NAME = "[A-Za-z0-9+/]{43}=\n", "(0|[1-9][0-9]{0,18})\n", "[^+\\s\x00-\x1f]+"
PROOF = re.compile(f"\\Ac2sp\\.org/tlog-proof@v1\n(?:extra .*\n)?index {NUMBER}((?:{LINE}){{0,64}})\n"  # C2SP
                   f"(({NAME})\n{NUMBER}({LINE}))\n((?:— {NAME} [A-Za-z0-9+/=]+\n)+)\\Z")  # tlog-proof, signed-note
Key = NamedTuple("Key", [("use", str), ("kid", str), ("public", bytes), ("start", str), ("end", str), ("alg", str)])
def demand(otherwise: str, *conditions: Any) -> None:  # all of this holds, or the words say what does not
    if not all(conditions): raise ValueError(otherwise)
class Record(dict):  # an object in JSON; the form of a field is checked when a rule reads it
    def __getitem__(self, name: str) -> Any:
        value, (kind, form) = self.get(name), FORMS.get(name, (str, "(?s:.*)"))
        right = isinstance(value, kind) and not isinstance(value, bool) and (kind != str or re.fullmatch(form, value))
        right = right and (kind != list or all(isinstance(item, form) for item in value))
        demand(f"the field {name} is missing, or not what it should be", right)
        return value
    def maybe(self, name: str) -> Any: return None if self.get(name) is None else self[name]
def load(data: bytes) -> Record: return Record(it=json.loads(data.decode(), object_hook=Record))["it"]
def unbase64(text: str) -> bytes: return base64.b64decode(text, validate=True)
def sha256(*parts: bytes) -> bytes: return hashlib.sha256(b"".join(parts)).digest()
def kid_of(key: bytes) -> str: return sha256(bytes.fromhex("302a300506032b6570032100"), key).hex()  # of its DER form
def signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Rule 1, with S < L. Left out: the refusal of points of small order, which harm whoever declares such a key."""
    try: Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except Exception: return False
    return int.from_bytes(signature[32:], "little") < ORDER
def root_over(found: bytes, at: int, size: int, path: list[bytes]) -> Optional[bytes]:  # Merkle tree: RFC 9162, 2.1.3
    if size < 2 or not path: return found if (at, size, path) == (0, 1, []) else None
    half = 1 << (size - 1).bit_length() - 1  # so many leaves are on the left
    below = root_over(found, *((at, half) if at < half else (at - half, size - half)), path[:-1])
    return below and (sha256(b"\1", below, path[-1]) if at < half else sha256(b"\1", path[-1], below))
class Document:  # a signed text that nobody has believed: DSSE 1.0.2 with one signature, around an in-toto statement
    kind, issuer, made_at, place = "", "", "", None
    def __init__(self, data: bytes) -> None:
        wire = load(data)
        [by], self.payload = wire["signatures"], unbase64(wire["payload"])
        demand("another type of text", wire["payloadType"] == "application/vnd.in-toto+json")
        self.kid, self.signature = by["keyid"], unbase64(by["sig"])
        self.message = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(self.payload), self.payload)
        self.id = sha256(b"tiermark/v1/doc\0", sha256(self.message), self.signature).hex()
        try: self.kind = self.claim(load(self.payload))
        except (ValueError, RecursionError): pass  # a text that is no document has no kind
    def claim(self, text: Record) -> str:  # its kind, and what else it claims; only `Bundle.opened` makes that more
        [kind], [about] = re.findall(r"\Atiermark:(.+)/v1\Z", text["predicateType"]), text["subject"]
        demand("no statement", text["_type"] == "https://in-toto.io/Statement/v1")
        self.body, self.subject = text["predicate"], about["digest"]["sha256"]
        by, when, place = (SAYS.get(kind, "") + "  ").split(" ")[:3]
        if by: self.issuer, self.made_at, self.place = self.body[by], self.body[when], place and self.body.maybe(place)
        return kind
    def by(self, key: bytes) -> bool: return signed(key, self.message, self.signature)
class Party:  # what the owner of a root key says of itself and its other keys
    def __init__(self, one: Document) -> None:
        self.public, self.handle, self.seq = unbase64(one.body["root_pub"]), one.body["handle"], one.body["seq"]
        keys = [Key(key["use"], key["kid"], unbase64(key["pub"]), key["from"], key.maybe("to") or "9999", key["alg"])
                for key in one.body["keys"]]
        self.keys = [key for key in keys if key.alg == "ed25519" and kid_of(key.public) == key.kid]
        demand("not signed by its own root", kid_of(self.public) == one.subject, one.by(self.public))
class Proof:  # a leaf of a log, its path to the root of a checkpoint, and the signatures on that, not yet checked
    def __init__(self, proof: bytes, leaf: bytes) -> None:
        [(index, path, text, self.origin, size, root, lines)], about = PROOF.findall(proof.decode()), load(leaf)
        self.index, self.state, self.text = int(index), (int(size), unbase64(root.strip()).hex()), text.encode()
        found = root_over(sha256(b"\0", leaf), int(index), int(size), [unbase64(beside) for beside in path.split()])
        self.lines = [(name, unbase64(blob)) for name, blob in re.findall("— ([^ ]+) ([^\n]+)\n", lines)]
        self.about, self.holds = (about["id"], about["t"]), found and found.hex() == self.state[1]
    def times(self, name: str, kind: int, key: bytes) -> list[str]:  # 4: as a witness, 1: a log; one false spoils all
        times, key_id = [], sha256(name.encode(), bytes([10, kind]), key)[:4]
        for blob in [blob[4:] for signer, blob in self.lines if (signer, blob[:4]) == (name, key_id)]:
            time, blob = (int.from_bytes(blob[:8], "big"), blob[8:]) if kind == 4 else (0, blob)
            text = b"cosignature/v1\ntime %d\n%s" % (time, self.text) if kind == 4 else self.text
            if time >= 253402300800 or not signed(key, text, blob): return []  # or after the year 9999
            times.append((datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=time)).isoformat() + "Z")
        return times
class Bundle:  # the folder, which is hostile, and the rules of the chain over its documents, from one trusted root
    def __init__(self, folder: str, root: str) -> None:
        paths, self.root, self.parties = list(pathlib.Path(folder).rglob("*")), root, {}
        odd = [path for path in paths if path.is_symlink() or not (path.is_dir() or path.is_file())]
        odd += [path for path, many in collections.Counter(path.parent for path in paths).items() if many > MOST_FILES]
        demand(f"{odd[:1]}: a link, no file, or more files than a bundle has", not odd)
        self.paths = {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}
        [self.finding] = self.all(Document, "", "finding.dsse.json")
        self.documents: dict[str, Document] = {one.id: one for one in self.all(Document, "docs/[^/]*", ".dsse.json")}
        self.proofs: list[Proof] = list(self.all(Proof, "log/[^/]*", ".tlog-proof", ".leaf"))
        self.frames: list[Record] = list(self.all(load, "frames/[^/]*", ".json"))
        for one in sorted(self.of("party"), key=lambda one: one.id):
            try: self.parties.setdefault(one.subject, []).append(Party(one))
            except ValueError: pass  # nobody said this
        for said in self.parties.values(): said.sort(key=lambda party: -party.seq)  # newest first
        self.rooted = self.below_the_root()
    def read(self, name: str) -> bytes:  # only of files that were found below the folder: no other name leads anywhere
        fits = name in self.paths and self.paths[name].stat().st_size <= LIMITS.get(name.split("/")[0], 1 << 30)
        demand(f"{name} is missing, or larger than any such file is", fits)
        return self.paths[name].read_bytes()
    def all(self, make: Callable, start: str, end: str, *beside: str) -> Iterator:  # what stands in such files
        for name in [name for name in sorted(self.paths) if re.fullmatch(start + re.escape(end), name, re.DOTALL)]:
            try: yield make(self.read(name), *[self.read(name[:-len(end)] + other) for other in beside])
            except ValueError as error: raise ValueError(f"{name}: {error}") from None
    def of(self, kind: str) -> list[Document]: return [one for one in self.documents.values() if one.kind == kind]
    def handle(self, root: str) -> str:  # what the owner of a root calls itself now
        demand(f"there is no party document signed by the root {root}", self.parties.get(root))
        return self.parties[root][0].handle
    def keys(self, root: str, use: str) -> list[Key]:  # that a party declares, those of its newest document first
        return [key for party in self.parties.get(root, []) for key in party.keys if key.use == use]
    def signer(self, one: Document) -> Optional[Key]:  # rules 1 and 2: the newest party document that names it decides
        key = next((key for key in self.keys(one.issuer, "sign") if key.kid == one.kid), None)
        return key if key and one.by(key.public) else None
    def opened(self, one: Document, kind: str, place: Optional[str]) -> str:
        """Rules 1 to 3: a key of the issuer signed, in its time, and was not revoked. `place`: see `may_revoke`."""
        key = self.signer(one)
        demand(f"no key that its issuer declares for {one.made_at} signed it as a {kind} of version 1",
               one.kind == kind, key and key.start <= one.made_at <= key.end)
        for late in self.of("revocation"):
            if (late.body.get("target_kind"), late.subject) in (("key", one.kid), (kind, one.id)):
                demand(f"the {kind} or its key was revoked at {late.made_at}, and no log held it before",
                       not self.may_revoke(late, one, place) or self.stands(one, late))
        return f"signed by {self.handle(one.issuer)}, root {one.issuer}, at {one.made_at}"
    def may_revoke(self, late: Document, one: Document, place: Optional[str]) -> bool:
        """The issuer's own root key may, and whoever issued the delegations by which it stands, `place` and up."""
        above, said = set(), self.parties.get(late.issuer, [])
        while place in self.documents:
            above, place = above | {self.documents[place].issuer}, self.documents[place].place
        keys = said[:1] if late.issuer in above | {one.issuer} else []  # of these the root key
        return any(late.by(key.public) for key in keys + self.keys(late.issuer if late.issuer in above else "", "sign"))
    def stands(self, one: Document, late: Document) -> bool:
        """Rule 3: held below a cut-off, in that very state or one seen by then; or earlier in the log of another."""
        for proof, owner, seen in self.logged(one):
            early, cuts = seen and seen[0] <= late.made_at, late.body["log_cutoffs"]
            cuts = [cut for cut in cuts if cut["origin"] == proof.origin and proof.index < cut["size"]]
            if any(early or proof.state == (cut["size"], cut["root"]) for cut in cuts): return True
            later = [two.index for two, whose, _ in self.logged(late) if (whose, two.origin) == (owner, proof.origin)]
            if owner in self.rooted - {one.issuer} and later and proof.index < min(later): return True
        return False
    def below_the_root(self) -> set[str]:  # whose witness counts: all to whom signed delegations lead from the root
        found, given = [(None, self.root)], [one for one in self.of("delegation") if self.signer(one)]
        for step in found: found += [(one.id, one.subject) for one in given if (one.place, one.issuer) == step]
        return {root for _, root in found}
    def logged(self, one: Document) -> list[tuple[Proof, str, Optional[tuple[str, str]]]]:
        """Rule 9: each proof that a log held a document, whose log it is, and who below the root first cosigned it."""
        found, held = [], [proof for proof in self.proofs if proof.about == (one.id, one.kind) and proof.holds]
        for proof, owner in [(proof, root) for proof in held for root in self.parties if re.fullmatch(
                f"tiermark/log/{root[:16]}(/epoch[0-9]+)?", proof.origin)]:
            seen = [(time, root) for root in self.rooted - {owner} for key in self.keys(root, "witness")
                    for time in proof.times(f"tiermark/party/{root[:16]}", 4, key.public)]
            signs = any(proof.times(proof.origin, 1, key.public) for key in self.keys(owner, "log"))
            found += [(proof, owner, min(seen, default=None))] if signs else []
        return found
    def delegation(self, name: str, more: int = TIERS) -> Document:
        """Rules 4 and 5: a delegation whose chain leads up to the trusted root, each within the one above it."""
        one = self.documents.get(name)
        demand(f"the delegation {name} is missing, or rests on too many", one, more >= 0)
        self.opened(one, "delegation", one.place)
        if one.place is not None: shrinks(one, self.delegation(one.place, more - 1))
        else: demand("no first tier", one.issuer == self.root, one.body["depth"] == 1, one.body["max_depth"] <= TIERS)
        return one
    def handover(self, one: Document) -> Document:  # rules 1 to 10: who gave to whom, and what that is worth
        self.opened(one, "handover", one.place)
        demand("another kind of mark", (one.body["wm"]["scheme"], one.body["wm"]["word"]) == ("tm1", "w96"))
        one.giver, (one.recipient, place) = self.handle(one.issuer), self.recipient(one, self.standing(one))
        self.shown(one)
        one.seen = min([seen for _, _, seen in self.logged(one) if seen], default=None)
        received = any(self.received(one, receipt, place) for receipt in self.of("receipt"))
        one.grade = "G4" if one.seen and received else "G3" if one.seen else "G2"
        return one
    def standing(self, one: Document) -> Optional[Document]:
        """Rule 6: by which right the issuer gave. The producer needs none; anybody else gives by its own delegation."""
        depth, down, own = one.body["depth"], one.body["direction"] == "down", one.place and self.delegation(one.place)
        if not own: demand("only the producer needs no delegation", one.issuer == self.root, down, depth == 1)
        else: demand("the issuer may not hand this over", own.subject == one.issuer, depth <= own.body["max_depth"],
                     within(one, own, "stamp" if down else "return"), depth == own.body["depth"] + down,
                     one.body["epoch"] == own.body["epoch"], one.body["project"] == own.body["scope"]["project"])
        return own
    def recipient(self, one: Document, own: Optional[Document]) -> tuple[str, Optional[str]]:
        """Rule 6: who the recipient is, by a document of the issuer; and the delegation by which it receives."""
        to, given, record = one.body["recipient"], *map(one.body.maybe, ("recipient_delegation", "recipient_record"))
        if one.body["direction"] == "up":
            demand("work goes back to the one who delegated", own.issuer == to, given is None, record is None)
            return self.handle(to), own.place
        if given is not None:
            theirs = self.delegation(given)
            demand("the issuer gave the recipient no right to receive it", within(one, theirs, "receive"),
                   (theirs.issuer, theirs.place, theirs.subject) == (one.issuer, one.place, to))
            return self.handle(to), given
        demand("the recipient's record is missing", record == to, to in self.documents)
        self.opened(self.documents[to], "vendor", one.place)
        vendor, name = self.documents[to], self.documents[to].body["handle"].encode()
        demand("the record is not by the issuer", (vendor.issuer, vendor.subject) == (one.issuer, sha256(name).hex()))
        return vendor.body["handle"], None
    def shown(self, one: Document) -> None:  # rule 7: the lines shown are of the list that was signed, no name twice
        names, count, root = [], one.body["frames"]["count"], bytes.fromhex(one.body["frames"]["root"])
        for frame in [frame for frame in self.frames if frame["handover"] == one.id]:
            line, path = frame["line"].encode(), [bytes.fromhex(beside) for beside in frame["path"]]
            demand("other frames than were signed", root_over(sha256(b"\0", line), frame["index"], count, path) == root)
            names.append(unicodedata.normalize("NFC", load(line)["name"]))
        demand("two frames have one name", len(names) == len(set(names)))
    def received(self, one: Document, receipt: Document, place: Optional[str]) -> bool:  # rule 10: of this very text
        says, body = (receipt.issuer, receipt.subject, receipt.body.get("handover")), receipt.body
        try: return says == (one.body["recipient"], sha256(one.payload).hex(), one.id) and body["count"] > 0 and (
            body["missing"] == 0 and body["statement"] == RECEIVED) and bool(self.opened(receipt, "receipt", place))
        except ValueError: return False
    def chains(self, read: list[Document]) -> list[list[Document]]:
        """Rule 8: each hand-over below the one it came from; one that stands inside another's chain begins none."""
        chains = [[lowest] for lowest in read]
        for chain in chains:
            while len(chain) <= TIERS and (upper := self.upper(chain[0])): chain.insert(0, upper)
        return [chain for chain in chains if not any(chain[-1] in other[:-1] for other in chains)]
    def upper(self, lower: Document) -> Optional[Document]:  # rule 8: named as `upstream`, and given to the issuer
        named = [self.handover(self.documents[name]) for name in lower.body["upstream"] if name in self.documents]
        return next((upper for upper in named if upper.body["recipient"] == lower.issuer), None)
def shrinks(child: Document, parent: Document) -> None:  # rule 5: a delegation gives no more than the one above it
    asked, given, less, more = child.body, parent.body, child.body["scope"], parent.body["scope"]
    same = [asked[name] == given[name] for name in ("epoch", "lattice_commit")] + [less["project"] == more["project"]]
    demand("the delegation goes beyond the one above it", child.issuer == parent.subject, "delegate" in given["rights"],
           given["not_before"] <= child.made_at <= given["not_after"], asked["depth"] == given["depth"] + 1, *same,
           asked["depth"] <= given["max_depth"], asked["max_depth"] <= given["max_depth"],
           set(asked["rights"]) <= set(given["rights"]), *[covers(more[of], less[of]) for of in ("episodes", "kinds")],
           given["not_before"] <= asked["not_before"], asked["not_after"] <= given["not_after"])
def covers(given: list, asked: list) -> bool: return "*" in given or ("*" not in asked and set(asked) <= set(given))
def within(one: Document, delegation: Document, right: str) -> bool:  # rule 6; naming no episode takes a right to all
    given, scope, body = delegation.body, delegation.body["scope"], one.body
    same = (scope["project"], given["epoch"]) == (body["project"], body["epoch"])
    return same and right in given["rights"] and given["not_before"] <= one.made_at <= given["not_after"] and (
        covers(scope["episodes"], [body.maybe("episode")]) and covers(scope["kinds"], [body.maybe("kind")]))
def say(line: str) -> None: print("".join(c if c.isprintable() else "?" for c in line))  # nothing else on a terminal
def check(what: str, how: Callable, *about: Any) -> bool:  # whether it holds; and says so
    try: say(f"holds: {what}: {how(*about)}")
    except (ValueError, OSError) as error: return bool(say(f"DOES NOT HOLD: {what}: {error}"))
    return True
def examine(bundle: Bundle) -> bool:  # all checks; without the root, or one who stands for the finding, no more
    text, one, verified = bundle.read("custody.jsonl"), bundle.finding, {}
    holds = [check("root", bundle.handle, bundle.root), check("finding", bundle.opened, one, "finding", None)]
    if not all(holds): return False
    reads = [(r["mark"], r.maybe("handover"), r["grade"], r["depth"]) for of in one.body["found"] for r in of["reads"]]
    holds += [check("files", files, bundle), check("custody", custody, text, one)]
    holds += [check(f"mark {read[0]}", named, bundle, verified, *read) for read in dict.fromkeys(reads)]
    return all([*holds, check("chain", chained, bundle, list(verified.values()))])
def files(bundle: Bundle) -> str:  # every file that the finding names has the bytes that were signed
    for file in bundle.finding.body["files"]:
        demand(f"{file['name']} was changed", sha256(bundle.read(file["name"])).hex() == file["sha256"])
    return f"{len(bundle.finding.body['files'])} files have the bytes that were signed"
def custody(text: bytes, finding: Document) -> str:
    """Each line holds the hash of the one before; the whole was signed, and every found file was hashed into it."""
    demand("it is not the one that was signed", sha256(text).hex() == finding.subject, text.endswith(b"\n"))
    lines = [load(line) for line in text[:-1].split(b"\n")]
    before = ["0" * 64] + [sha256(line).hex() for line in text[:-1].split(b"\n")]
    for at, line in enumerate(lines):
        follows = (line["n"], line["prev"], line["what"] == "new") == (at, before[at], at == 0)
        demand(f"line {at + 1} does not follow from the one before", follows, not at or lines[at - 1]["what"] != "seal")
    demand("it is of another case than the finding", lines[0]["case"] == finding.body["case"])
    hashed = {line["sha256"] for line in lines if line["what"] == "add"}
    for found in finding.body["found"]: demand(f"{found['name']} was never hashed into it", found["sha256"] in hashed)
    return f"{len(lines)} lines, each with the hash of the one before"
def named(bundle: Bundle, verified: dict[str, Document], mark: str, name: Optional[str], grade: str, depth: int) -> str:
    """Rule 6: a mark leads to the one hand-over that the finding names, and the documents prove the grade it prints."""
    if name is None and grade in ("G0", "G1"): return f"{grade}: no document; it names nobody"
    marked = [one for one in bundle.of("handover") if one.id[:16] == mark]
    demand(f"the finding says {grade} and {name}, but {len(marked)} have it", [one.id for one in marked] == [name])
    one = verified.setdefault(name, bundle.handover(marked[0]))
    demand(f"the documents prove {one.grade} at depth {one.body['depth']}, but the finding says {grade} at {depth}",
           grade in ("G0", "G1", "G2", "G3", "G4"), grade <= one.grade, depth == one.body["depth"])
    seen = "" if not one.seen else ", in a log cosigned at {} by {}, {}".format(*one.seen, bundle.handle(one.seen[1]))
    return f"{one.giver} to {one.recipient}, {one.made_at}, {one.grade}{seen}"
def chained(bundle: Bundle, read: list[Document]) -> str:  # the documents make the chains that the finding names
    chains = bundle.chains(read)
    for chain in chains: say(" -> ".join([chain[0].giver] + [one.recipient for one in chain]))
    links = {one.id: one.grade for chain in chains for one in chain}
    demand("the documents make other chains than the finding says", set(links) == set(bundle.finding.body["chain"]))
    return f"{len(chains)}, of the hand-overs " + ", ".join(f"{name[:16]} ({grade})" for name, grade in links.items())
def trusted(root: str) -> str:  # its kid: the digits themselves, or those of a public key in a PEM file
    if re.fullmatch("[0-9a-f]{64}", "".join(root.split())): return "".join(root.split())
    with open(root, "rb") as file: key = serialization.load_pem_public_key(file.read(1 << 16))
    return sha256(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hex()
if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    try: sys.exit(0 if examine(Bundle(sys.argv[1], trusted(sys.argv[2]))) else 1)
    except Exception as error: sys.exit(say(f"cannot be read, python3 contrib/verify.py BUNDLE ROOT: {error}") or 2)
