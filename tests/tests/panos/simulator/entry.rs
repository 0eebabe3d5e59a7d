use roxmltree::Node;

/// An element of the configuration. Only what has no elements in it has text.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub tag: String,
    /// The name of an `entry`.
    pub name: Option<String>,
    pub text: String,
    pub children: Vec<Entry>,
}

impl Entry {
    /// An empty entry of this name.
    pub fn named(name: &str) -> Self {
        Self { tag: "entry".to_owned(), name: Some(name.to_owned()), text: String::new(), children: Vec::new() }
    }

    /// Takes an element as it was sent.
    pub fn of(node: Node<'_, '_>) -> Result<Self, String> {
        let tag = node.tag_name().name().to_owned();
        if node.attributes().any(|attribute| attribute.name() != "name") {
            return Err(format!("{tag} has an attribute that it cannot have"));
        }
        let children: Vec<Self> = node.children().filter(Node::is_element).map(Self::of).collect::<Result<_, _>>()?;
        let text: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
        if !children.is_empty() && !text.trim().is_empty() {
            return Err(format!("{tag} has text between its elements"));
        }
        let name = node.attribute("name").map(str::to_owned);
        Ok(Self { tag, name, text: text.trim().to_owned(), children })
    }

    pub fn child(&self, tag: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.tag == tag)
    }

    /// The members of a list.
    pub fn members(&self, tag: &str) -> Vec<&str> {
        let list = self.child(tag).map(|list| list.children.as_slice()).unwrap_or_default();
        list.iter().map(|member| member.text.as_str()).collect()
    }

    /// What `set` does: elements that are not there are added, lists grow, texts are replaced.
    pub fn merge(&mut self, other: &Self) {
        if other.children.is_empty() {
            self.text.clone_from(&other.text);
        }
        for child in &other.children {
            let same = |mine: &&mut Self| {
                mine.tag == child.tag && mine.name == child.name && (child.tag != "member" || mine.text == child.text)
            };
            match self.children.iter_mut().find(same) {
                Some(mine) => mine.merge(child),
                None => self.children.push(child.clone()),
            }
        }
    }

    pub fn xml(&self) -> String {
        let name = self.name.as_deref().map(|name| format!(" name=\"{}\"", escaped(name))).unwrap_or_default();
        let inner: String = escaped(&self.text) + &self.children.iter().map(Self::xml).collect::<String>();
        format!("<{0}{name}>{inner}</{0}>", self.tag)
    }
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
