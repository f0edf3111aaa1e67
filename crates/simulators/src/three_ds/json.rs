//! Reading a message's JSON object without losing what serde's maps lose: an element that occurs twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The elements of a message. No `Debug`: one of them is a card number.
#[derive(Default)]
pub(super) struct Elements {
    values: HashMap<String, Value>,
    /// Names that occur more than once, each once.
    pub(super) repeated: Vec<String>,
}

impl Elements {
    /// Reads a JSON object; `None` when the text is something else.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// An element.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// An element that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The message again, to be passed on.
    pub(super) fn to_json(&self) -> Value {
        self.values.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Elements;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Elements, A::Error> {
                let mut elements = Elements::default();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    match elements.values.entry(name) {
                        Entry::Vacant(place) => {
                            place.insert(value);
                        }
                        Entry::Occupied(known) => {
                            if !elements.repeated.contains(known.key()) {
                                elements.repeated.push(known.key().clone());
                            }
                        }
                    }
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_occurs_twice_is_noticed_once() {
        let elements = Elements::read(br#"{"a":"1","b":2,"a":"3","a":"4"}"#).unwrap();
        assert_eq!(elements.repeated, ["a"]);
        assert_eq!(elements.text("a"), Some("1"));
        assert_eq!(elements.text("b"), None, "a number is no text");
    }

    #[test]
    fn what_is_no_object_is_no_message() {
        for body in ["", "[]", "\"a\"", "{\"a\":1", "{} {}", "null"] {
            assert!(Elements::read(body.as_bytes()).is_none(), "{body}");
        }
    }
}
