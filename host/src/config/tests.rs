//! Tests of the configuration.

use std::path::{Path, PathBuf};

use super::*;

const FILE: &str = "/home/juliet/.config/sat/sat.conf";

fn environment() -> Environment {
    Environment {
        variables: [
            ("XDG_RUNTIME_DIR", "/run/user/7"),
            ("NAME", "capulet"),
            ("EMPTY", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        home: Some("/home/juliet".into()),
        prefix: Some("/opt/sat".into()),
        current_dir: Some("/tmp/here".into()),
    }
}

fn read(texts: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let files: Vec<_> = texts
        .iter()
        .map(|(file, text)| (PathBuf::from(file), (*text).to_owned()))
        .collect();
    Config::from_files(&environment(), &files)
}

/// Checks the error's line and that its text holds `expected`.
#[track_caller]
fn fails(text: &str, line: usize, expected: &str) {
    let error = read(&[(FILE, text)]).unwrap_err();
    let shown = error.to_string();
    assert!(shown.starts_with(&format!("{FILE}:{line}: ")), "{shown}");
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(config.local_dir, Path::new("/home/juliet/.local/share/sat"));
    assert_eq!(config.media_dir, Path::new("/usr/share/sat/media"));
    assert_eq!(config.log_level, LogLevel::Info);
    let dirs = [
        "/home/juliet/.local/share/sat/plugins",
        "/opt/sat/plugins",
        "/usr/lib/sat/plugins",
    ];
    assert_eq!(config.plugin_dirs, dirs.map(PathBuf::from));
    assert_eq!(config.consent, Consent::Auto);
    assert_eq!(config.plugins, PluginOptions::default());
    assert_eq!(
        config.bridge_socket,
        Path::new("/run/user/7/sat/bridge.sock")
    );
    assert_eq!(config.bridge_listen, None);
    assert_eq!(
        config.bridge_token_file,
        Path::new("/home/juliet/.local/share/sat/bridge.token")
    );
    assert_eq!(config.key_dir, None);
    assert_eq!(config.origins, vec![Origin::Default; OPTIONS.len()]);
}

#[test]
fn defaults_follow_the_environment() {
    let mut environment = environment();
    environment
        .variables
        .insert("XDG_DATA_HOME".into(), "/data".into());
    environment
        .variables
        .insert("XDG_RUNTIME_DIR".into(), "not/absolute".into());
    environment.variables.insert(
        "CREDENTIALS_DIRECTORY".into(),
        "/run/credentials/sat".into(),
    );
    let config = Config::from_files(&environment, &[]).unwrap();
    assert_eq!(config.local_dir, Path::new("/data/sat"));
    assert_eq!(config.bridge_socket, Path::new("/data/sat/run/bridge.sock"));
    assert_eq!(
        config.key_dir.as_deref(),
        Some(Path::new("/run/credentials/sat"))
    );
}

#[test]
fn without_home_the_fault_is_named() {
    let environment = Environment {
        home: None,
        ..environment()
    };
    let error = Config::from_files(&environment, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "local_dir: There is no home directory: set HOME"
    );
}

#[test]
fn later_files_override_key_by_key() {
    let config = read(&[
        (
            "/etc/sat.conf",
            "[DEFAULT]\nlocal_dir = /srv/sat\nlog_level = error\n",
        ),
        (
            FILE,
            "# mine\n[DEFAULT]\nlog_level: Debug\n\n[plugins]\nconsent=ask\n\
             http_private = TRUE\nstanzas_per_second = 0",
        ),
    ])
    .unwrap();
    assert_eq!(config.local_dir, Path::new("/srv/sat"));
    assert_eq!(config.bridge_token_file, Path::new("/srv/sat/bridge.token"));
    assert_eq!(config.log_level, LogLevel::Debug);
    assert_eq!(config.consent, Consent::Ask);
    let open = PluginOptions {
        http_private: true,
        stanzas_per_second: 0,
    };
    assert_eq!(config.plugins, open);
    assert_eq!(
        config.sources,
        [PathBuf::from("/etc/sat.conf"), PathBuf::from(FILE)]
    );
    assert_eq!(config.origins[0].to_string(), "/etc/sat.conf:2");
    assert_eq!(config.origins[2].to_string(), format!("{FILE}:3"));
}

#[test]
fn paths_expand() {
    let config = read(&[(
        FILE,
        "\u{feff}[DEFAULT]\nlocal_dir = ~/${NAME}/$NAME$EMPTY-$$x\nmedia_dir = ./media\n\
         [plugins]\ndirs = ${local_dir}/plugins, ~\n  /a\n  # not this\n\n  /b, /a\n",
    )])
    .unwrap();
    assert_eq!(
        config.local_dir,
        Path::new("/home/juliet/capulet/capulet-$x")
    );
    assert_eq!(
        config.media_dir,
        Path::new("/home/juliet/.config/sat/media")
    );
    let dirs = [
        "/home/juliet/capulet/capulet-$x/plugins",
        "/home/juliet",
        "/a",
        "/b",
    ];
    assert_eq!(config.plugin_dirs, dirs.map(PathBuf::from));
}

#[test]
fn listen_takes_loopback_only() {
    for (text, expected) in [
        ("127.0.0.1:7500", Some("127.0.0.1:7500")),
        ("localhost:1", Some("127.0.0.1:1")),
        ("[::1]:7500", Some("[::1]:7500")),
        ("", None),
    ] {
        let config = read(&[(FILE, &format!("[bridge]\nlisten = {text}"))]).unwrap();
        assert_eq!(
            config.bridge_listen.map(|a| a.to_string()).as_deref(),
            expected
        );
    }
    fails(
        "[bridge]\nlisten = 0.0.0.0:7500",
        2,
        "allowed are 127.0.0.0/8",
    );
    fails("[bridge]\nlisten = 7500", 2, "isn't host:port");
}

#[test]
fn faults_name_file_line_and_what_is_allowed() {
    fails(
        "\n[default]\n",
        2,
        "allowed are [DEFAULT], [plugins], [bridge], [profiles]",
    );
    fails(
        "[bridge]\n\nlog_level = info",
        3,
        "allowed are socket, listen, token_file; log_level belongs to [DEFAULT]",
    );
    fails(
        "[DEFAULT]\nlog_level = loud",
        2,
        "\"loud\" is none of error, warn, info, debug, trace",
    );
    fails("[plugins]\nconsent = never", 2, "none of auto, ask");
    fails("[plugins]\nhttp_private = 1", 2, "none of true, false");
    for number in ["many", "-1", "", "4294967296"] {
        let text = format!("[plugins]\nstanzas_per_second = {number}");
        fails(&text, 2, "whole number");
    }
    fails("[plugins]\ndirs = ,", 2, "one path at least");
    fails("[DEFAULT]\nlocal_dir =", 2, "Takes a path");
    fails(
        "[DEFAULT]\nlocal_dir = /a\n media_dir = /b",
        2,
        "indented line",
    );
    fails("[DEFAULT]\nlocal_dir = $UNSET/x", 2, "UNSET isn't set");
    fails(
        "[DEFAULT]\nlocal_dir = ${local_dir}/x",
        2,
        "can't be used in local_dir itself",
    );
    fails("[DEFAULT]\nlocal_dir = ${NAME/x", 2, "} is missing");
    fails("[DEFAULT]\nlocal_dir = a$/x", 2, "must follow $");
    fails("[DEFAULT]\nlocal_dir = ~romeo/x", 2, "other people's homes");
    fails("[profiles]\nkey_dir = $UNSET", 2, "UNSET isn't set");
    fails("log_level = info", 1, "needs a section");
    fails("[DEFAULT\n", 1, "written [name]");
    fails("[DEFAULT]\nnothing", 2, "Expected [section], name = value");
    fails(
        "[DEFAULT]\nlog_level = info\nLOG_LEVEL = warn",
        3,
        "set twice",
    );
}

#[test]
fn places_are_those_of_sat() {
    let mut environment = environment();
    let shown = |environment: &Environment| {
        let places = files::places(environment);
        places
            .iter()
            .map(|place| place.display().to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        shown(&environment),
        "/etc/sat.conf /etc/.sat.conf /home/juliet/sat.conf /home/juliet/.sat.conf \
         /home/juliet/.config/sat/sat.conf /home/juliet/.config/sat/.sat.conf \
         /tmp/here/sat.conf /tmp/here/.sat.conf"
    );
    environment.current_dir = environment.home.clone();
    environment
        .variables
        .insert("XDG_CONFIG_HOME".into(), "/c".into());
    assert_eq!(
        shown(&environment),
        "/etc/sat.conf /etc/.sat.conf /c/sat/sat.conf /c/sat/.sat.conf \
         /home/juliet/sat.conf /home/juliet/.sat.conf"
    );
}

#[test]
fn files_are_read_and_distrusted() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sat.conf");
    let missing = Config::load(Some(&file)).unwrap_err().to_string();
    assert!(
        missing.ends_with("sat.conf: There is no such file"),
        "{missing}"
    );

    std::fs::write(&file, "[DEFAULT]\nlocal_dir = data\nlog_level = warn\n").unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!(config.local_dir, dir.path().join("data"));

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let environment = Environment {
        current_dir: Some(dir.path().into()),
        ..environment()
    };
    let error = files::search(&environment).unwrap_err().to_string();
    assert!(error.contains("chmod o-w"), "{error}");

    std::fs::write(&file, b"[DEFAULT]\nlocal_dir = \xff\n").unwrap();
    let error = Config::load(Some(&file)).unwrap_err().to_string();
    assert!(error.ends_with(":2: This isn't UTF-8"), "{error}");
}

#[test]
fn the_first_writable_plugin_folder_is_the_users() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sat.conf");
    std::fs::write(&file, "[plugins]\ndirs = sat.conf/no, mine").unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!(
        config.user_plugin_dir(),
        Some(dir.path().join("mine").as_path())
    );
}

#[test]
fn the_example_is_what_the_table_says() {
    let written = include_str!("../../../sat.conf.example");
    assert_eq!(
        written,
        example(),
        "renew it: sat config --example > sat.conf.example"
    );
}

/// Uncommented, the example gives the defaults.
#[test]
fn the_example_holds_the_defaults() {
    let lines = example();
    let lines = lines.lines().map(|line| match line.strip_prefix("# ") {
        Some(option)
            if option.split_once(" =").is_some_and(|(name, _)| {
                OPTIONS.iter().any(|spec| spec.name == name) && name != "key_dir"
            }) =>
        {
            option
        }
        _ => line,
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let config = read(&[(FILE, &text)]).unwrap();
    let expected = read(&[]).unwrap();
    assert_eq!(
        config
            .origins
            .iter()
            .filter(|origin| **origin == Origin::Default)
            .count(),
        1
    );
    assert_eq!(
        Config {
            sources: vec![],
            origins: expected.origins.clone(),
            ..config
        },
        expected
    );
}
