//! Examples of what is sent, and of what is answered to it.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::{Components, RefOr, Schema};

/// By the name of the schema.
const EXAMPLES: &str = include_str!("examples.json");

/// Adds them to the schemas. Tests say that all are there and fit.
pub(super) fn add(components: &mut Components) {
    let examples: BTreeMap<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for (name, example) in examples {
        let schema = components.schemas.get_mut(&name);
        if let Some(RefOr::T(Schema::Object(object))) = schema {
            object.examples.push(example);
        } else if let Some(RefOr::T(Schema::AllOf(all))) = schema {
            all.examples.push(example);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::openapi_json;

    fn named<'a>(document: &'a Value, reference: &str) -> &'a Value {
        document.pointer(reference.strip_prefix('#').unwrap()).unwrap()
    }

    /// Whether a value is one of a schema, as far as these schemas say.
    fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
        if let Some(reference) = schema["$ref"].as_str() {
            return fits(document, named(document, reference), value);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            return choices.iter().any(|one| fits(document, one, value));
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let own = parts.iter().find(|part| part["properties"].is_object()).unwrap();
            return own["required"]
                .as_array()
                .unwrap()
                .iter()
                .all(|name| value.get(name.as_str().unwrap()).is_some());
        }
        let is_listed = schema["enum"].as_array().is_none_or(|values| values.contains(value));
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return is_listed,
        };
        is_listed && types.iter().any(|kind| is_of(document, schema, kind, value))
    }

    fn is_of(document: &Value, schema: &Value, kind: &str, value: &Value) -> bool {
        match (kind, value) {
            ("null", Value::Null) | ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => true,
            ("integer", Value::Number(number)) => number.is_u64(),
            ("array", Value::Array(items)) => items.iter().all(|item| fits(document, &schema["items"], item)),
            ("object", Value::Object(fields)) => {
                let needed = schema["required"].as_array().into_iter().flatten();
                let are_there =
                    needed.map(|name| name.as_str().unwrap()).all(|name| fields.contains_key(name));
                are_there
                    && fields.iter().all(|(name, value)| {
                        schema["properties"].get(name).is_some_and(|schema| fits(document, schema, value))
                    })
            }
            _ => false,
        }
    }

    #[test]
    fn every_example_is_in_the_document_and_fits_its_schema() {
        let document: Value = serde_json::from_str(openapi_json()).unwrap();
        let examples: BTreeMap<String, Value> = serde_json::from_str(EXAMPLES).unwrap();
        assert!(examples.len() > 30);
        for (name, example) in &examples {
            let schema = &document["components"]["schemas"][name];
            assert_eq!(schema["examples"][0], *example, "{name}");
            assert!(fits(&document, schema, example), "{name}: {example}");
        }
        let wrong = serde_json::json!({ "text": "x", "t_ms": "soon" });
        assert!(!fits(&document, &document["components"]["schemas"]["NewComment"], &wrong));
    }

    #[test]
    fn whatever_is_sent_as_json_has_an_example() {
        let document: Value = serde_json::from_str(openapi_json()).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().values());
        let sent: BTreeSet<&str> = operations
            .filter_map(|operation| {
                operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()
            })
            .collect();
        assert!(sent.len() > 15);
        for reference in sent {
            let schema = named(&document, reference);
            assert!(schema["examples"][0].is_object(), "{reference}");
        }
    }
}
