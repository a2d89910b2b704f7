//! JSON bodies: objects, and nothing that could be taken for one.

use std::fmt;
use std::marker::PhantomData;

use actix_web::HttpRequest;
use actix_web::dev::{JsonBody, Payload};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};

use crate::problem::Problem;

/// The object that a request brings, of no more bytes than this.
pub(crate) async fn object<B: DeserializeOwned + 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    limit_bytes: usize,
) -> Result<B, Problem> {
    let Object(body) = JsonBody::new(request, payload, None, true).limit(limit_bytes).await?;
    Ok(body)
}

/// What serde derives takes an array, too, for a struct: its elements for the fields in the order of the source.
struct Object<B>(B);

impl<'de, B: Deserialize<'de>> Deserialize<'de> for Object<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<B>(PhantomData<B>);

impl<'de, B: Deserialize<'de>> Visitor<'de> for Fields<B> {
    type Value = B;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<B, A::Error> {
        B::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dto::{NewSession, NewValue};

    /// What is wrong with a text, and how it reads without the check.
    fn wrong<B: DeserializeOwned>(text: &str) -> (String, String) {
        let checked = serde_json::from_str::<Object<B>>(text).map(|_| ()).unwrap_err();
        let derived = serde_json::from_str::<B>(text).map(|_| ()).unwrap_err();
        (checked.to_string(), derived.to_string())
    }

    #[test]
    fn what_is_wrong_with_an_object_is_told_as_ever() {
        let whole =
            "{\"protocol\": \"ssh\",\n\"format\": \"asciicast\", \"device_address\": \"a\", \"start_ms\": 1";
        assert!(serde_json::from_str::<Object<NewSession>>(&format!("{whole}}}")).is_ok());
        for text in [
            "{\"protocol\": \"ssh\",\n\"format\": \"wax\"}",
            "{\"protocol\": \"ssh\",\n\"format\": 7}",
            "{\"protocol\":\n\"ssh\"}",
            &format!("{whole}, \"colour\": \"red\"}}"),
            &format!("{whole}, \"start_ms\": 1}}"),
            &format!("{whole},"),
            &format!("{whole}}}}}"),
            "{",
            "",
        ] {
            let (checked, derived) = wrong::<NewSession>(text);
            assert_eq!(checked, derived, "{text}");
        }
        let (checked, derived) = wrong::<NewValue>("{\"value\": [7]}");
        assert_eq!(checked, derived);
    }
}
