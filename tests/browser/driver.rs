//! The processes of a browser: chromedriver on a free port, and what it starts.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

/// A shell starts chromedriver in a session of its own, in which all of Chromium stays but for its crash handlers, which end with
/// it. When the pipe to this process closes, however that comes about, the shell kills the session until nothing in it lives (one that is
/// dying may have forked), and takes the folder away.
const WATCHER: &str = r#"
setsid chromedriver --port=0 &
session=$!
trap '' INT TERM HUP
echo "session $session"
read -r line
kill -KILL "$session"
while pkill -KILL -r R,S,D,T,I -s "$session"; do sleep 0.05; done
until rm -rf "$0"; do sleep 0.1; done
"#;

/// What would lead Chromium to the desktop or the folders of whoever runs the tests.
const FOREIGN: [&str; 6] =
    ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"];

pub(super) struct Driver {
    port: u16,
    session: u32,
    folder: PathBuf,
    watcher: Child,
}

impl Driver {
    /// Returns when chromedriver takes commands.
    pub(super) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("antin-browser-").tempdir().expect("a folder").keep();
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCHER]).arg(&folder).process_group(0);
        shell.env("HOME", &folder).env("TMPDIR", &folder);
        for name in FOREIGN {
            shell.env_remove(name);
        }
        let mut watcher = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut said = BufReader::new(watcher.as_mut().expect("a shell").stdout.take().expect("a pipe"));
        let mut driver = Self { port: 0, session: 0, folder, watcher: watcher.expect("a shell") };
        let mut line = String::new();
        while driver.port == 0 || driver.session == 0 {
            line.clear();
            let length = said.read_line(&mut line).expect("what chromedriver says");
            assert!(length > 0, "chromedriver does not start: `scripts/packages test` installs it");
            if let Some(number) = line.trim_end().strip_prefix("session ") {
                driver.session = number.parse().expect("a number");
            } else if let Some((_, number)) = line.split_once("started successfully on port ") {
                driver.port = number.trim_end().trim_end_matches('.').parse().expect("a number");
            }
        }
        // Nobody reads what else it says; nor must it wait for somebody.
        thread::spawn(move || said.read_to_end(&mut Vec::new()));
        driver
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The session (`setsid`) of chromedriver and Chromium.
    pub(super) fn session(&self) -> u32 {
        self.session
    }

    /// Where everything lies that they write.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}
