use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::entry::{Entry, escaped};
use super::request::Request;
use super::xpath::{Selected, read};
use super::{Refusal, error, schema};

/// A configuration: the entries of each container, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration(BTreeMap<String, Vec<Entry>>);

const DONE: &str = "<response status=\"success\" code=\"20\"><msg>command succeeded</msg></response>";
const ABSENT: &str = "<response status=\"success\" code=\"7\"><result/></response>";

/// One change: of a request of its own, or of a part of one.
struct Change<'a> {
    action: &'a str,
    xpath: &'a str,
    /// The elements that come with it.
    elements: Vec<Entry>,
    newname: Option<&'a str>,
    place: Option<(&'a str, Option<&'a str>)>,
}

impl Configuration {
    pub fn entries(&self, container: &str) -> &[Entry] {
        self.0.get(container).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn entry(&self, container: &str, name: &str) -> Option<&Entry> {
        self.entries(container).iter().find(|entry| entry.name.as_deref() == Some(name))
    }

    pub fn names(&self, container: &str) -> Vec<String> {
        self.entries(container).iter().filter_map(|entry| entry.name.clone()).collect()
    }

    pub fn by_hand(&mut self, container: &str, name: &str, inner: &str) {
        let xml = format!("<entry name=\"{name}\">{inner}</entry>");
        let document = Document::parse(&xml).unwrap();
        let entry = Entry::of(document.root_element()).unwrap();
        schema::check(self, container, &entry).unwrap();
        let entries = self.0.entry(container.to_owned()).or_default();
        entries.retain(|other| other.name != entry.name);
        entries.push(entry);
    }

    /// `type=config`.
    pub fn act(&mut self, request: &Request) -> Result<String, Refusal> {
        let only = |names: &[&str]| request.only(names).map_err(|why| ("400", why));
        let action = request.need("action")?;
        match action {
            "get" => {
                only(&["type", "action", "xpath"])?;
                return self.get(request.need("xpath")?);
            }
            "multi-config" => {
                only(&["type", "action", "element"])?;
                return self.several(request.need("element")?);
            }
            "set" | "edit" => only(&["type", "action", "xpath", "element"])?,
            "delete" => only(&["type", "action", "xpath"])?,
            "rename" => only(&["type", "action", "xpath", "newname"])?,
            "move" => only(&["type", "action", "xpath", "where", "dst"])?,
            other => return Err(("17", format!("there is no action {other}"))),
        }
        let wrapped = format!("<e>{}</e>", request.get("element").unwrap_or_default());
        let document = parse(&wrapped)?;
        let place = request.get("where").map(|place| (place, request.get("dst")));
        let elements = elements(document.root_element())?;
        let (xpath, newname) = (request.need("xpath")?, request.get("newname"));
        let mut changed = self.clone();
        let absent = changed.change(&Change { action, xpath, elements, newname, place })?;
        *self = changed;
        Ok(if absent { ABSENT.replace("<result/>", "<msg>Object doesn't exist</msg>") } else { DONE.to_owned() })
    }

    fn get(&self, xpath: &str) -> Result<String, Refusal> {
        let (container, selected) = read(xpath)?;
        let entries = self.entries(container).iter();
        let shown: Vec<String> = match &selected {
            Selected::All if self.entries(container).is_empty() => return Ok(ABSENT.to_owned()),
            Selected::All => {
                let inner: String = entries.map(Entry::xml).collect();
                let tag = container.rsplit('/').next().unwrap_or(container);
                vec![format!("<{tag} admin=\"api\" dirtyId=\"2\">{inner}</{tag}>")]
            }
            Selected::Named(name) => {
                entries.filter(|entry| entry.name.as_ref() == Some(name)).map(Entry::xml).collect()
            }
            Selected::Containing(element, text) => entries
                .filter(|entry| entry.child(element).is_some_and(|child| child.text.contains(text.as_str())))
                .map(Entry::xml)
                .collect(),
        };
        if shown.is_empty() {
            return Ok(ABSENT.to_owned());
        }
        let count = shown.len();
        let shown = shown.concat();
        Ok(format!(
            "<response status=\"success\" code=\"19\"><result total-count=\"{count}\" count=\"{count}\">{shown}</result></response>"
        ))
    }

    /// Several changes, of which all are made or none.
    fn several(&mut self, element: &str) -> Result<String, Refusal> {
        let document = parse(element)?;
        let mut changed = self.clone();
        let mut parts = String::new();
        for part in document.root_element().children().filter(Node::is_element) {
            let action = part.tag_name().name();
            let id = part.attribute("id").map(|id| format!(" id=\"{}\"", escaped(id))).unwrap_or_default();
            if !["set", "edit", "delete", "rename", "move"].contains(&action) {
                return Err(("17", format!("there is no action {action}")));
            }
            let known = |name: &str| ["id", "xpath", "newname", "where", "dst"].contains(&name);
            let strange = part.attributes().find(|attribute| !known(attribute.name()));
            let done = match (strange, part.attribute("xpath")) {
                (Some(attribute), _) => Err(("400", format!("{} has no meaning here", attribute.name()))),
                (None, None) => Err(("400", "xpath is missing".to_owned())),
                (None, Some(xpath)) => elements(part).and_then(|elements| {
                    let place = part.attribute("where").map(|place| (place, part.attribute("dst")));
                    changed.change(&Change { action, xpath, elements, newname: part.attribute("newname"), place })
                }),
            };
            match done {
                Ok(_) => parts += &DONE.replace(" code=\"20\"", &format!(" code=\"20\"{id}")),
                Err((code, why)) => {
                    parts += &error(code, &id, &why);
                    return Ok(format!("<response status=\"error\" code=\"{code}\">{parts}</response>"));
                }
            }
        }
        *self = changed;
        Ok(format!("<response status=\"success\" code=\"20\">{parts}</response>"))
    }

    /// Makes a change; gives whether what it is about was not there, which is no error where it is taken away.
    fn change(&mut self, change: &Change<'_>) -> Result<bool, Refusal> {
        let (container, selected) = read(change.xpath)?;
        let Selected::Named(name) = selected else {
            return Err(("12", "a change needs the xpath of one entry".to_owned()));
        };
        let there = self.entry(container, &name).cloned();
        let absent = || ("7", "Object doesn't exist".to_owned());
        match change.action {
            "set" => {
                let mut entry = there.unwrap_or_else(|| Entry::named(&name));
                for element in &change.elements {
                    // The choice between these is a choice: another one takes the place of the first.
                    if container == "address" && element.tag.starts_with("ip-") || element.tag == "fqdn" {
                        entry.children.retain(|child| {
                            child.tag == element.tag || !child.tag.starts_with("ip-") && child.tag != "fqdn"
                        });
                    }
                }
                entry.merge(&Entry { children: change.elements.clone(), ..Entry::named(&name) });
                self.put(container, entry)?;
            }
            "edit" => {
                let [entry] = &change.elements[..] else {
                    return Err(("12", "edit breaks config validity: one element is needed".to_owned()));
                };
                if entry.tag != "entry" || entry.name.as_ref() != Some(&name) {
                    return Err(("12", "edit breaks config validity: another element than the xpath's".to_owned()));
                }
                self.put(container, entry.clone())?;
            }
            "rename" => {
                let newname = change.newname.ok_or_else(|| ("400", "newname is missing".to_owned()))?;
                let mut entry = there.ok_or_else(absent)?;
                if self.entry(container, newname).is_some() {
                    return Err(("8", format!("'{newname}' already exists")));
                }
                entry.name = Some(newname.to_owned());
                schema::check(self, container, &entry)?;
                let entries = self.0.entry(container.to_owned()).or_default();
                entries
                    .iter_mut()
                    .filter(|other| other.name.as_ref() == Some(&name))
                    .for_each(|other| *other = entry.clone());
            }
            "delete" => {
                if there.is_none() {
                    return Ok(true);
                }
                if let Some(place) = schema::reference(self, container, &name) {
                    return Err(("10", format!(" {name} cannot be deleted because of references from: {place}")));
                }
                self.0.entry(container.to_owned()).or_default().retain(|entry| entry.name.as_ref() != Some(&name));
            }
            _ => self.go(container, &there.ok_or_else(absent)?, change.place)?,
        }
        Ok(false)
    }

    fn put(&mut self, container: &str, entry: Entry) -> Result<(), Refusal> {
        schema::check(self, container, &entry)?;
        let entries = self.0.entry(container.to_owned()).or_default();
        match entries.iter_mut().find(|other| other.name == entry.name) {
            Some(other) => *other = entry,
            None => entries.push(entry),
        }
        Ok(())
    }

    fn go(&mut self, container: &str, entry: &Entry, place: Option<(&str, Option<&str>)>) -> Result<(), Refusal> {
        let entries = self.0.entry(container.to_owned()).or_default();
        let mut others: Vec<Entry> = entries.iter().filter(|other| *other != entry).cloned().collect();
        let beside = |name: &str| {
            let found = others.iter().position(|other| other.name.as_deref() == Some(name));
            found.ok_or_else(|| ("7", format!("{name} doesn't exist")))
        };
        let at = match place {
            Some(("top", None)) => 0,
            Some(("bottom", None)) => others.len(),
            Some(("before", Some(name))) => beside(name)?,
            Some(("after", Some(name))) => beside(name)? + 1,
            _ => return Err(("17", "where to move it is not said, or twice".to_owned())),
        };
        others.insert(at, entry.clone());
        *entries = others;
        Ok(())
    }
}

fn parse(xml: &str) -> Result<Document<'_>, Refusal> {
    Document::parse(xml).map_err(|error| ("18", format!("the XML is malformed: {error}")))
}

fn elements(node: Node<'_, '_>) -> Result<Vec<Entry>, Refusal> {
    node.children().filter(Node::is_element).map(|node| Entry::of(node).map_err(|why| ("12", why))).collect()
}
