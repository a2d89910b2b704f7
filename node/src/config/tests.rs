use super::*;
use api::{Algorithm, IdentityRules};
use std::path::{Path, PathBuf};

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("custody.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn check(text: &str, environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let (_folder, path) = file(text);
    let mut values = Values::default();
    values.read_file(&path)?;
    let own = |text: &str| text.to_owned();
    values.read_environment(environment.iter().map(|(name, value)| (own(name), own(value))))?;
    Settings::check(&values, None)
}

fn refusal(text: &str) -> String {
    let error = check(text, &[]).unwrap_err().to_string();
    error.split_once(".toml").map_or(error.clone(), |(_, rest)| format!("FILE{rest}"))
}

#[test]
fn the_environment_beats_the_file_and_flags_beat_both() {
    let text = "workers = 2\n[listen]\napi = \"127.0.0.1:1\"\nhealth = \"127.0.0.1:2\"\n";
    let settings = check(text, &[("CUSTODY_LISTEN_API", "127.0.0.1:3"), ("HOME", "/")]).unwrap();
    assert_eq!(settings.workers.get(), 2);
    assert_eq!(settings.listen.api.port(), 3);
    assert_eq!(settings.listen.health.port(), 2);
    assert_eq!(settings.public_url(settings.listen.api), "http://127.0.0.1:3");

    let (_folder, path) = file(text);
    let mut values = Values::default();
    values.read_file(&path).unwrap();
    values.set_flag("workers", Some("7".to_owned())).unwrap();
    values.set_flag("listen.api", None).unwrap();
    let settings = Settings::check(&values, None).unwrap();
    assert_eq!((settings.workers.get(), settings.listen.api.port()), (7, 1));
}

#[test]
fn each_refusal_names_the_key_and_what_was_expected() {
    let unknown = refusal("[smtp]\nhost = \"mail\"\npassword = \"hunter2\"\n");
    let told = "FILE sets smtp.password, which is no setting; the settings are ballast_mib, cluster.address,";
    assert!(unknown.starts_with(told), "{unknown}");
    for (text, expected) in [
        ("workers = \"many\"", "FILE sets workers to something else than a number from 1 to 256"),
        ("workers = 0", "FILE sets workers to something else than a number from 1 to 256"),
        ("workers = [1]", "FILE sets workers to something else than a number from 1 to 256"),
        ("log = \"xml\"", "FILE sets log to something else than plain or json"),
        ("member = 0", "FILE sets member to something else than a number from 1 on"),
        ("[tls]\nkey = \"k\"", "tls.key is set without tls.certificate"),
        ("[cluster]\nca = \"c\"", "cluster.ca is set without cluster.members"),
        (
            "[cluster]\nmembers = \"2=192.0.2.2:1 3=192.0.2.3:1\"",
            "FILE sets cluster.members to something else than 2 to 9 members with this one, such as \
             1=192.0.2.1:8446 2=192.0.2.2:8446",
        ),
        (
            "[cluster]\nmembers = \"1=192.0.2.1:1 2=192.0.2.2:1\"",
            "cluster.ca is not set, expected a path of a PEM file",
        ),
        ("[smtp]\nhost = \"mail\"", "smtp.from is not set, expected an address such as custody@example.org"),
        ("[smtp]\nfrom = \"a@example.org\"", "smtp.from is set without smtp.host"),
        (
            "[smtp]\nhost = \"m\"\nfrom = \"a@b.c\"\nusername = \"u\"",
            "smtp.username is set without smtp.password_file",
        ),
        (
            "[smtp]\nhost = \"m\"\nfrom = \"a@b.c\"\nusername = \"u\"\npassword_file = \"p\"\nencryption = \"none\"",
            "smtp.username is set and smtp.encryption is none: a password is sent over TLS only",
        ),
        ("[mail]\nlanguage = \"en\"", "mail.language is set without smtp.host"),
        (
            "[smtp]\nhost = \"m\"\nfrom = \"a@b.c\"\n[mail]\nlanguage = \"de\"",
            "FILE sets mail.language to something else than en or pt-BR",
        ),
        ("[webhook]\nsecret_file = \"s\"", "webhook.secret_file is set without webhook.url"),
        (
            "[webhook]\nurl = \"https://portal.example.org/hook\"",
            "webhook.secret_file is not set, expected a path, or the name of a systemd credential",
        ),
        (
            "[webhook]\nurl = \"https://p.example.org\"\nsecret_file = \"s\"\nallow_addresses = \"10.0.0.1\"",
            "FILE sets webhook.allow_addresses to something else than networks such as 10.1.0.0/16, with commas between",
        ),
        ("[identity]\naudience = \"custody\"", "identity.audience is set without identity.issuer"),
        (
            "[identity]\nissuer = \"https://portal.example.org\"",
            "identity.audience is not set, expected how tokens name this service, such as custody",
        ),
        (
            "[identity]\nissuer = \"http://portal.example.org\"\naudience = \"custody\"",
            "FILE sets identity.issuer to something else than an address with https, or with http on loopback, such as https://portal.example.org",
        ),
        (
            "[identity]\nissuer = \"https://p.example.org\"\naudience = \"c\"\nalgorithms = \"RS256, HS256\"",
            "FILE sets identity.algorithms to something else than some of RS256, ES256 and EdDSA, with commas between",
        ),
        (
            "[identity]\nissuer = \"https://p.example.org\"\naudience = \"c\"\nroles = \"ops=PAM Auditor; ops=X\"",
            "FILE sets identity.roles to something else than pairs such as ops=PAM Auditor; sec=PAM Administrator",
        ),
        (
            "[limits]\nrequests_per_s = 0",
            "FILE sets limits.requests_per_s to something else than a number of requests from 1 on",
        ),
        (
            "public_url = \"custody\"",
            "FILE sets public_url to something else than an address such as https://custody.example.org",
        ),
        (
            "[listen]\napi = \"0.0.0.0:8443\"",
            "listen.api is 0.0.0.0:8443, which others can reach: expected tls.certificate and tls.key, or a loopback address",
        ),
        (
            "[listen]\nhealth = \"0.0.0.0:8445\"",
            "listen.health is 0.0.0.0:8445, expected a loopback address: it answers without a token",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
    assert!(refusal("workers = 1\nworkers = 2").starts_with("FILE, line 2: "));
    let misspelt = check("", &[("CUSTODY_WORKER", "1")]).unwrap_err().to_string();
    assert!(misspelt.starts_with("the environment sets CUSTODY_WORKER, which is no setting"), "{misspelt}");
}

#[test]
fn an_identity_provider_is_read_with_its_usual_claims_or_its_own() {
    let usual = "[identity]\nissuer = \"https://portal.example.org\"\naudience = \"custody\"\n";
    let rules = check(usual, &[]).unwrap().identity.unwrap();
    let expected = IdentityRules {
        issuer: "https://portal.example.org".to_owned(),
        audience: "custody".to_owned(),
        algorithms: [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa].into(),
        user_claim: "sub".to_owned(),
        roles_claim: "roles".to_owned(),
        roles: None,
    };
    assert_eq!(rules, expected);
    let own = "algorithms = \"ES256\"\nuser_claim = \"email\"\nroles_claim = \"realm_access.roles\"\n\
               roles = \"cn=ops,dc=example = PAM Auditor ; sec=PAM Administrator\"";
    let rules = check(&format!("{usual}{own}"), &[]).unwrap().identity.unwrap();
    let roles = [("cn=ops,dc=example", "PAM Auditor"), ("sec", "PAM Administrator")];
    let roles = roles.map(|(text, role)| (text.to_owned(), role.parse().unwrap()));
    let own = IdentityRules {
        algorithms: [Algorithm::Es256].into(),
        user_claim: "email".to_owned(),
        roles_claim: "realm_access.roles".to_owned(),
        roles: Some(roles.into()),
        ..expected
    };
    assert_eq!(rules, own);
    assert_eq!(check("", &[]).unwrap().identity, None);
}

#[test]
fn the_webhook_is_told_over_tls_or_on_loopback_when_that_is_allowed() {
    let settings = |url: &str, is_loopback_http: bool| {
        let allow = format!("allow_loopback_http = {is_loopback_http}");
        check(&format!("[webhook]\nurl = {url:?}\nsecret_file = \"s\"\n{allow}"), &[])
    };
    for (url, is_allowed) in [
        ("https://portal.example.org/hook?key=1", [true, true]),
        ("http://127.0.0.1:8080/hook", [false, true]),
        ("http://localhost/hook", [false, true]),
        ("http://portal.example.org/hook", [false, false]),
        ("http://10.0.0.1/hook", [false, false]),
        ("https://user@portal.example.org/hook", [false, false]),
        ("https://portal.example.org/hook#x", [false, false]),
        ("ftp://127.0.0.1/hook", [false, false]),
        ("file:///etc/passwd", [false, false]),
        ("hook", [false, false]),
    ] {
        let found = [false, true].map(|is_loopback_http| settings(url, is_loopback_http).is_ok());
        assert_eq!(found, is_allowed, "{url}");
    }
    let settings = settings("https://portal.example.org/hook?key=hunter2", false).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn how_often_callers_may_ask_is_the_operators_to_say() {
    let usual = check("", &[]).unwrap().limits;
    assert_eq!(usual, api::Limits::default());
    let own = check("[limits]\nrequests_per_s = 7", &[("CUSTODY_LIMITS_RECORDER_REQUESTS_PER_S", "9")]);
    let own = own.unwrap().limits;
    assert_eq!((own.requests_per_s.get(), own.recorder_requests_per_s.get()), (7, 9));
    let origins = check("[cors]\norigins = \"https://a.example https://b.example\"", &[]).unwrap().origins;
    assert_eq!(Ok(origins), "https://a.example https://b.example".parse());
    let any = refusal("[cors]\norigins = \"*\"");
    assert!(any.starts_with("FILE sets cors.origins to something else than origins such as"), "{any}");
    let logins = check("[limits]\nlogins_per_min = 3\naddress_logins_per_min = 500", &[]).unwrap().limits;
    assert_eq!((logins.logins_per_min.get(), logins.address_logins_per_min.get()), (3, 500));
    assert_eq!(own.recording_bytes_max, usual.recording_bytes_max);
}

#[test]
fn keys_are_only_fetched_where_nobody_else_can_answer() {
    for right in [
        "https://a.example",
        "https://a.example:8443/realms/x",
        "http://127.0.0.1:1/",
        "http://[::1]:1",
        "http://localhost",
    ] {
        assert!(right.parse::<ProviderUrl>().is_ok(), "{right}");
    }
    for wrong in [
        "",
        "a.example",
        "http://a.example",
        "http://10.0.0.1",
        "http://localhost.example.org",
        "ftp://127.0.0.1",
        "https://",
        "https://a@b.example",
        "https://a.example#x",
        "http://127.0.0.1@a.example",
        "file:///etc/passwd",
    ] {
        assert!(wrong.parse::<ProviderUrl>().is_err(), "{wrong}");
    }
}

#[test]
fn no_error_and_no_debug_text_holds_a_secret() {
    let broken = refusal("[smtp]\npassword_file = \"hunter2\nfrom = 3");
    assert!(!broken.contains("hunter2"), "{broken}");
    assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret");
}

#[test]
fn a_secret_is_one_line_of_a_file_or_a_credential() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    let text = path.to_str().unwrap();
    let named: SecretFile = text.parse().unwrap();
    std::fs::write(&path, "hunter2\n").unwrap();
    assert_eq!(named.read("smtp.password_file", None).unwrap().reveal(), "hunter2");
    let credential: SecretFile = "password".parse().unwrap();
    assert!(credential.is_credential());
    assert_eq!(credential.read("smtp.password_file", Some(folder.path())).unwrap().reveal(), "hunter2");
    let missing = credential.read("smtp.password_file", None).unwrap_err().to_string();
    assert_eq!(
        missing,
        "smtp.password_file names the systemd credential password, and CREDENTIALS_DIRECTORY is not set"
    );
    assert!(!SecretFile::at(Path::new("password")).is_credential());
    std::fs::write(&path, "two\nlines\n").unwrap();
    assert!(matches!(named.read("smtp.password_file", None), Err(ConfigError::Secret { .. })));
}

#[test]
fn a_cluster_of_several_members_is_read() {
    let mut values = Values::default();
    for (key, value) in [
        ("member", "2"),
        ("cluster.members", "1=192.0.2.1:8446 2=192.0.2.2:8446  3=192.0.2.3:8446"),
        ("cluster.ca", "ca.pem"),
        ("cluster.certificate", "certificate.pem"),
        ("cluster.key", "key.pem"),
    ] {
        values.set_flag(key, Some(value.to_owned())).unwrap();
    }
    let members = Settings::check(&values, None).unwrap().members.unwrap();
    assert_eq!(members.addresses.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(members.listen, "192.0.2.2:8446".parse().unwrap());
    values.set_flag("cluster.listen", Some("0.0.0.0:8446".to_owned())).unwrap();
    let members = Settings::check(&values, None).unwrap().members.unwrap();
    assert_eq!(members.listen, "0.0.0.0:8446".parse().unwrap());
}
