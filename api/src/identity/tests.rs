use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::jws::Jws;
use super::refusal::TokenRefusal;
use super::*;
use crate::tests::signer::*;

const NOW_S: u64 = 1_800_000_000;
const NOW_MS: u64 = NOW_S * 1000;

fn provider_of(rules: IdentityRules, keys: &[Value]) -> IdentityProvider {
    let provider = IdentityProvider::new(rules);
    provider.keys.put(KeySet::parse(&published(keys)).unwrap());
    provider.keys.rest();
    provider
}

async fn refusal(provider: &IdentityProvider, token: &str) -> TokenRefusal {
    provider.vouch(token, NOW_MS).await.unwrap_err()
}

fn right() -> Value {
    claims("ada", &["PAM Auditor"], NOW_S + 60)
}

/// The right claims with one of them changed, or taken away.
fn with(claim: &str, value: Value) -> Value {
    let mut claims = right();
    let is_taken_away = value.is_null();
    claims[claim] = value;
    if is_taken_away {
        claims.as_object_mut().unwrap().remove(claim);
    }
    claims
}

#[tokio::test]
async fn a_right_token_vouches_for_its_user() {
    let (ed25519, p256) = (Signer::ed25519("e"), Signer::p256("p"));
    let provider = provider_of(rules(), &[ed25519.jwk(), p256.jwk()]);
    let expected = Vouched {
        user: "ada".to_owned(),
        roles: ["PAM Auditor".parse().unwrap()].into(),
        expires_ms: NOW_MS + 60_000,
    };
    for signer in [&ed25519, &p256] {
        assert_eq!(provider.vouch(&signer.token(&right()), NOW_MS).await, Ok(expected.clone()));
        let many = with("aud", json!(["other", AUDIENCE]));
        assert_eq!(provider.vouch(&signer.token(&many), NOW_MS).await, Ok(expected.clone()));
    }
    for (field, value) in [("alg", "Ed25519"), ("typ", "JWT"), ("typ", "application/at+jwt")] {
        let mut header = ed25519.header();
        header[field] = json!(value);
        let token = ed25519.token_with(&header, right().to_string().as_bytes());
        assert_eq!(provider.vouch(&token, NOW_MS).await, Ok(expected.clone()), "{value}");
    }
}

#[tokio::test]
async fn claims_that_are_wrong_are_refused() {
    let signer = Signer::ed25519("e");
    let provider = provider_of(rules(), &[signer.jwk()]);
    let cases = [
        ("iss", json!("https://portal.example.org/"), TokenRefusal::Issuer),
        ("iss", json!([ISSUER]), TokenRefusal::Issuer),
        ("iss", Value::Null, TokenRefusal::Issuer),
        ("aud", json!("custody-test"), TokenRefusal::Audience),
        ("aud", json!([]), TokenRefusal::Audience),
        ("aud", json!({ "custody": true }), TokenRefusal::Audience),
        ("aud", Value::Null, TokenRefusal::Audience),
        ("exp", json!(NOW_S - 30), TokenRefusal::Expired),
        ("exp", json!(0), TokenRefusal::Expired),
        ("exp", json!(-1), TokenRefusal::Claims),
        ("exp", json!(1e300), TokenRefusal::Claims),
        ("exp", json!("1900000000"), TokenRefusal::Claims),
        ("exp", Value::Null, TokenRefusal::NoExpiry),
        ("nbf", json!(NOW_S + 31), TokenRefusal::NotYet),
        ("nbf", json!([]), TokenRefusal::Claims),
        ("sub", Value::Null, TokenRefusal::NoUser),
        ("sub", json!(""), TokenRefusal::NoUser),
        ("sub", json!(7), TokenRefusal::NoUser),
        ("sub", json!("a\nb"), TokenRefusal::NoUser),
        ("sub", json!(" ada"), TokenRefusal::NoUser),
        ("sub", json!("a".repeat(257)), TokenRefusal::NoUser),
    ];
    for (claim, value, expected) in cases {
        let token = signer.token(&with(claim, value.clone()));
        assert_eq!(refusal(&provider, &token).await, expected, "{claim} {value}");
    }
    for (claim, value) in
        [("exp", json!(NOW_S - 29)), ("exp", json!(1_900_000_000.5)), ("nbf", json!(NOW_S + 30))]
    {
        let token = signer.token(&with(claim, value.clone()));
        assert!(provider.vouch(&token, NOW_MS).await.is_ok(), "{claim} {value}");
    }
    for payload in ["", "null", "[]", "{", "\u{0}"] {
        let token = signer.token_with(&signer.header(), payload.as_bytes());
        assert_eq!(refusal(&provider, &token).await, TokenRefusal::Claims, "{payload}");
    }
}

#[tokio::test]
async fn headers_that_are_wrong_are_refused() {
    let signer = Signer::ed25519("e");
    let provider = provider_of(rules(), &[signer.jwk(), Signer::p256("p").jwk()]);
    let cases = [
        (json!({ "alg": "none" }), TokenRefusal::Algorithm),
        (json!({ "alg": "None", "kid": "e" }), TokenRefusal::Algorithm),
        (json!({ "alg": "HS256", "kid": "e" }), TokenRefusal::Algorithm),
        (json!({ "alg": "eddsa", "kid": "e" }), TokenRefusal::Algorithm),
        (json!({ "alg": ["EdDSA"], "kid": "e" }), TokenRefusal::Header),
        (json!({ "kid": "e" }), TokenRefusal::Header),
        (json!({ "alg": "EdDSA" }), TokenRefusal::NoKeyId),
        (json!({ "alg": "EdDSA", "kid": "E" }), TokenRefusal::UnknownKey),
        (json!({ "alg": "EdDSA", "kid": "" }), TokenRefusal::UnknownKey),
        (json!({ "alg": "EdDSA", "kid": "p" }), TokenRefusal::OtherAlgorithm),
        (json!({ "alg": "RS256", "kid": "e" }), TokenRefusal::OtherAlgorithm),
        (json!({ "alg": "EdDSA", "kid": "e", "crit": ["b64"], "b64": false }), TokenRefusal::Critical),
        (json!({ "alg": "EdDSA", "kid": "e", "typ": "logout+jwt" }), TokenRefusal::Type),
        (json!({ "alg": "EdDSA", "kid": "e", "typ": "dpop+jwt" }), TokenRefusal::Type),
    ];
    for (header, expected) in cases {
        let token = signer.token_with(&header, right().to_string().as_bytes());
        assert_eq!(refusal(&provider, &token).await, expected, "{header}");
    }
    let twice = format!("{}.e30.", text(br#"{"alg":"none","alg":"EdDSA","kid":"e"}"#));
    assert_eq!(refusal(&provider, &twice).await, TokenRefusal::Header);
}

#[tokio::test]
async fn tokens_that_are_changed_cut_or_too_long_are_refused() {
    let (signer, stranger) = (Signer::ed25519("e"), Signer::ed25519("e"));
    let provider = provider_of(rules(), &[signer.jwk()]);
    let token = signer.token(&right());
    assert_eq!(refusal(&provider, &stranger.token(&right())).await, TokenRefusal::Signature);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let raised = text(with("roles", json!(["PAM Administrator"])).to_string().as_bytes());
    let short = text(&URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap()[..63]);
    for changed in [format!("{header}.{raised}.{signature}"), format!("{head}."), format!("{head}.{short}")] {
        assert_eq!(refusal(&provider, &changed).await, TokenRefusal::Signature, "{changed}");
    }
    for broken in [
        String::new(),
        "..".to_owned(),
        format!("{header}.{payload}"),
        format!("{token}="),
        format!(".{payload}.{signature}"),
        format!("{token}.{signature}"),
    ] {
        let refused = refusal(&provider, &broken).await;
        assert!(matches!(refused, TokenRefusal::Form | TokenRefusal::Header), "{broken}: {refused}");
    }
    let long = signer.token(&with("extra", json!("x".repeat(8 << 10))));
    assert_eq!(refusal(&provider, &long).await, TokenRefusal::TooLong);
}

#[tokio::test]
async fn only_the_algorithms_of_the_rules_are_taken() {
    let signer = Signer::ed25519("e");
    let rules = IdentityRules { algorithms: [Algorithm::Es256].into(), ..rules() };
    let provider = provider_of(rules, &[signer.jwk()]);
    assert_eq!(refusal(&provider, &signer.token(&right())).await, TokenRefusal::Algorithm);
}

#[tokio::test]
async fn claims_stand_where_the_rules_say_and_roles_are_mapped() {
    let signer = Signer::ed25519("e");
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "exp": NOW_S + 60, "sub": "7", "email": "ada@example.org",
        "roles": "PAM Auditor", "realm": { "access": ["ops", "sec", 7, "\u{7}"] },
        "https://example.org/groups": ["ops"],
    });
    let token = signer.token(&claims);
    let roles = async |roles_claim: &str, mapping: Option<[(&str, &str); 2]>| {
        let roles = mapping.map(|pairs| {
            pairs.into_iter().map(|(text, role)| (text.to_owned(), role.parse().unwrap())).collect()
        });
        let (user_claim, roles_claim) = ("email".to_owned(), roles_claim.to_owned());
        let provider =
            provider_of(IdentityRules { user_claim, roles_claim, roles, ..rules() }, &[signer.jwk()]);
        let vouched = provider.vouch(&token, NOW_MS).await.unwrap();
        assert_eq!(vouched.user, "ada@example.org");
        vouched.roles.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let mapping = Some([("sec", "PAM Auditor"), ("PAM Auditor", "PAM Administrator")]);
    assert_eq!(roles("roles", None).await, ["PAM Auditor"]);
    assert_eq!(roles("roles", mapping).await, ["PAM Administrator"]);
    assert_eq!(roles("realm.access", None).await, ["ops", "sec"]);
    assert_eq!(roles("realm.access", mapping).await, ["PAM Auditor"]);
    assert_eq!(roles("https://example.org/groups", None).await, ["ops"]);
    assert_eq!(roles("https://example.org/groups", mapping).await, [""; 0]);
    for absent in ["", "realm", "realm.", "realm.access.0", "email.roles", "."] {
        assert_eq!(roles(absent, None).await, [""; 0], "{absent}");
    }
}

#[test]
fn published_keys_of_the_standards_verify_their_signatures() {
    // RFC 7515, A.2; RFC 7515, A.3; RFC 8037, A.4.
    let vectors = [
        (
            json!({ "kid": "k", "kty": "RSA", "e": "AQAB", "n": concat!(
                "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-",
                "yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-",
                "KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_",
                "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
            ) }),
            concat!(
                "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc",
                "19yb290Ijp0cnVlfQ",
            ),
            concat!(
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds",
                "9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZR",
                "mB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs9",
                "8rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
        ),
        (
            json!({
                "kid": "k", "kty": "EC", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            }),
            concat!(
                "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc",
                "19yb290Ijp0cnVlfQ",
            ),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            json!({
                "kid": "k", "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }),
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ];
    for (jwk, signed, signature) in &vectors {
        let keys = KeySet::parse(&published(std::slice::from_ref(jwk))).unwrap();
        let algorithm = match jwk["kty"].as_str() {
            Some("RSA") => Algorithm::Rs256,
            Some("EC") => Algorithm::Es256,
            _ => Algorithm::EdDsa,
        };
        let token =
            |signed, signature| Jws { algorithm, key_id: "k".to_owned(), signed, signature, payload: b"" };
        let signature = URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap();
        assert_eq!(keys.verify(&token(signed.as_bytes(), signature.clone())), Ok(()), "{jwk}");
        let other = token(&signed.as_bytes()[1..], signature);
        assert_eq!(keys.verify(&other), Err(TokenRefusal::Signature), "{jwk}");
    }
}

#[test]
fn keys_for_something_else_are_passed_over() {
    let right = Signer::p256("p").jwk();
    let changed = |field: &str, value: Value| {
        let mut jwk = right.clone();
        jwk[field] = value;
        jwk
    };
    let strange = [
        changed("use", json!("enc")),
        changed("alg", json!("RS256")),
        changed("alg", json!("ECDH-ES")),
        changed("key_ops", json!(["sign"])),
        changed("crv", json!("P-384")),
        changed("kty", json!("RSA")),
        changed("x", json!("AA")),
        changed("y", json!("not base64!")),
        changed("kid", json!(7)),
        json!({ "kid": "h", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }),
        json!("p"),
    ];
    assert_eq!(KeySet::parse(&published(&strange)), Err(KeySetError::NoKeys));
    let alone = KeySet::parse(&published(std::slice::from_ref(&right))).unwrap();
    let among = [&strange[..], std::slice::from_ref(&right)].concat();
    assert_eq!(KeySet::parse(&published(&among)), Ok(alone));
    assert_eq!(KeySet::parse(&published(&vec![right; 65])), Err(KeySetError::TooMany));
    for broken in ["", "[]", "{}", "{\"keys\":{}}"] {
        assert_eq!(KeySet::parse(broken.as_bytes()), Err(KeySetError::Form), "{broken}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_asked_for_once_and_forged_names_make_nobody_ask() {
    let (old, new) = (Signer::ed25519("old"), Signer::ed25519("new"));
    let provider = Arc::new(provider_of(rules(), &[old.jwk()]));
    let token = new.token(&right());
    // Resting: the answer is there at once, and nobody is asked.
    assert_eq!(refusal(&provider, &token).await, TokenRefusal::UnknownKey);
    provider.keys.open();
    let fetching = async {
        provider.keys.wished().await;
        provider.keys.put(KeySet::parse(&published(&[new.jwk()])).unwrap());
        provider.keys.rest();
        provider.keys.open();
    };
    let (vouched, ()) = tokio::join!(provider.vouch(&token, NOW_MS), fetching);
    assert_eq!(vouched.unwrap().user, "ada");

    // Nobody grants the wish: the request ends all the same, and the wish stays.
    assert_eq!(refusal(&provider, &old.token(&right())).await, TokenRefusal::UnknownKey);
    provider.keys.open();
    provider.keys.wished().await;
}

#[tokio::test]
async fn a_new_provider_wishes_for_its_first_keys() {
    let provider = IdentityProvider::new(rules());
    provider.keys.wished().await;
    provider.keys.rest();
    assert_eq!(refusal(&provider, &Signer::p256("p").token(&right())).await, TokenRefusal::UnknownKey);
}
