use super::*;
use cluster::catalog::SessionInfo;

const URL: &str = "https://custody.example.org";

fn info(user_name: &str) -> SessionInfo {
    SessionInfo {
        protocol: Protocol::Rdp,
        format: Format::Guacamole,
        device_address: "<b>db</b> & co:22".to_owned(),
        credential_user: "root-of-the-device".to_owned(),
        user_name: user_name.to_owned(),
        user_address: "203.0.113.9".to_owned(),
        start_ms: 1_795_318_169_000,
        recorder_token: None,
    }
}

fn text(texts: &Texts, user_name: &str) -> Result<Text, TemplateError> {
    let (session, video) = (RecordingId([1; 16]), VideoId([2; 16]));
    let templates = Templates::load(texts).unwrap();
    templates.text(Letter::VideoReady { session, video, info: &info(user_name) }, URL)
}

fn written(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_letter_has_what_the_reports_head_says_and_a_link_in_both_languages() {
    for (language, subject, word) in [
        (Language::English, "The video of a session is ready", "Device:  "),
        (Language::BrazilianPortuguese, "O vídeo de uma sessão está pronto", "Dispositivo: "),
    ] {
        let Text { subject: said, text, html } =
            text(&Texts { language, folder: None }, "ada@example.org").unwrap();
        assert_eq!(said, subject);
        let (session, video) = (RecordingId([1; 16]), VideoId([2; 16]));
        let link = format!("{URL}/#/sessions/{session}/videos/{video}");
        assert!(text.contains(&format!("\n{link}\n")), "{text}");
        assert!(text.contains(&format!("{word}<b>db</b> & co:22\n")), "{text}");
        assert!(html.contains(&format!("<a href=\"{link}\">")), "{html}");
        for part in [&text, &html] {
            assert!(part.contains("ada@example.org") && part.contains("2026-11-22 03:29:29 UTC"), "{part}");
            assert!(!part.contains("root-of-the-device") && !part.contains("203.0.113.9"), "{part}");
        }
        assert!(html.contains("&lt;b&gt;db&lt;&#x2f;b&gt; &amp; co:22") && !html.contains("<b>"), "{html}");
    }
}

#[test]
fn all_texts_that_are_compiled_in_can_be_filled_in() {
    let templates = Templates::load(&Texts::default()).unwrap();
    for (name, _) in COMPILED_IN {
        assert_eq!(templates.check(name), Ok(()));
    }
}

#[test]
fn an_operators_templates_take_the_place_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "en/video-ready.subject", "Video of\n {{ user }}\n");
    written(folder.path(), "en/video-ready.html", "<p>{{ user|upper }}</p>");
    written(folder.path(), "en/.video-ready.html.swp", "\0");
    let texts = Texts { language: Language::English, folder: Some(folder.path().to_owned()) };
    let ours = text(&Texts::default(), "x").unwrap();
    let Text { subject, text, html } = text(&texts, "a\u{202e}\r\nBcc: all@example.org<i>").unwrap();
    assert_eq!(subject, "Video of a\\u{202e}\\r\\nBcc: all@example.org<i>");
    assert_eq!(html, "<p>A\\U{202E}\\R\\NBCC: ALL@EXAMPLE.ORG&lt;I&gt;</p>");
    assert_eq!(text.lines().next(), ours.text.lines().next());
}

#[test]
fn a_broken_template_is_found_before_a_mail_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let texts = Texts { language: Language::English, folder: Some(folder.path().to_owned()) };
    let error = || Templates::load(&texts).unwrap_err().to_string();
    for (text, line, words) in [
        ("one\ntwo {{ user\n", 2, "syntax error"),
        ("one\n{{ usr }}\n", 2, "undefined value"),
        ("{% include 'x' %}", 1, "syntax error"),
        ("{{ user|shout }}", 1, "unknown filter"),
        ("{% if user %}\n\n", 1, "end of block"),
        (" \n", 1, "expected some text"),
    ] {
        written(folder.path(), "pt-BR/video-ready.txt", text);
        let error = error();
        let place = format!("{}, line {line}: ", folder.path().join("pt-BR/video-ready.txt").display());
        assert!(error.starts_with(&place) && error.contains(words), "{text}: {error}");
    }
    written(folder.path(), "pt-BR/video-ready.txt", &"x".repeat(65_537));
    assert!(error().contains("at most 65536 bytes"));
    written(folder.path(), "pt-BR/video-ready.txt", "right");
    Templates::load(&texts).unwrap();
    for name in ["pt-BR/video_ready.txt", "de/video-ready.txt", "video-ready.txt"] {
        written(folder.path(), name, "right");
        assert!(error().contains("takes no template's place; the templates are en/test.html"), "{name}");
        fs::remove_file(folder.path().join(name)).unwrap();
        fs::remove_dir(folder.path().join("de")).ok();
    }
    Templates::load(&texts).unwrap();
    let nowhere = Texts { folder: Some(folder.path().join("nowhere")), ..texts };
    assert!(Templates::load(&nowhere).unwrap_err().to_string().contains("No such file"));
}
