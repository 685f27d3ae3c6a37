//! Real PostgreSQL servers: one for the whole process with a database for each test, and servers of a test's own that can be killed.
//!
//! PostgreSQL refuses root, so that under root the servers run as Debian's user `postgres`. Each is watched by a shell that holds a
//! pipe to this process: it kills the server and takes its folder away however this process ends.

use std::{
    fs,
    io::Read,
    net::{TcpListener, TcpStream},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU16, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use antin::config::PostgresSettings;

/// How long a server may take to start; recovery after a kill included.
const PATIENCE: Duration = Duration::from_secs(180);

/// The server that tests share; each takes a [`PostgresServer::database`] of its own.
pub fn shared() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(|| PostgresServer::start(&["max_connections=400"]))
}

pub struct PostgresServer {
    pub port: u16,
    folder: PathBuf,
    /// `name=value`, beside those that every server gets.
    settings: Vec<String>,
    process: Option<Child>,
    /// While it is open, the watcher waits.
    watcher: Option<(Child, ChildStdin)>,
    /// Holds a file system of its own, which nobody else sees, while its pipe is open.
    small_disk: Option<(Child, ChildStdin)>,
}

/// Below the ports that the system gives away by itself.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() as u16 % 6000;
    let ports = std::iter::repeat_with(|| 24_000 + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 8000);
    let mut ports = ports.into_iter();
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("an endless search")
}

/// The newest server of this machine.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("Debian's postgresql is installed");
    let number = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = versions.map(|entry| entry.expect("an entry").path()).max_by_key(|path| number(path));
    newest.expect("a version of postgresql").join("bin").join(name)
}

/// Who runs the servers: user and group of `postgres` if this process is root's.
fn owner() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").expect("Linux").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("a user named postgres");
    let numbers: Vec<u32> = line.split(':').skip(2).take(2).map(|number| number.parse().expect("a number")).collect();
    Some((numbers[0], numbers[1]))
}

/// One of the server's programs, as the user that may run it.
fn command(name: &str) -> Command {
    let mut command = Command::new(program(name));
    if let Some((user, group)) = owner() {
        command.uid(user).gid(group);
    }
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn succeed(command: &mut Command) {
    let output = command.stderr(Stdio::piped()).output().expect("a program");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl PostgresServer {
    /// A new server with one user, `antin`, who needs no password.
    pub fn start(settings: &[&str]) -> Self {
        let mut server = Self::with_folder(settings);
        succeed(
            command("initdb")
                .args(["-U", "antin", "--auth=trust", "-E", "UTF8", "--no-locale", "-D"])
                .arg(server.data()),
        );
        server.run();
        server
    }

    /// A standby of `primary`, which streams from it under the name `standby`.
    pub fn standby_of(primary: &Self, settings: &[&str]) -> Self {
        let mut server = Self::with_folder(settings);
        let from = format!("host=127.0.0.1 port={} user=antin application_name=standby", primary.port);
        succeed(
            command("pg_basebackup").args(["-d", &from, "-R", "-X", "stream", "-c", "fast", "-D"]).arg(server.data()),
        );
        server.run();
        server
    }

    /// A new server on a disk of so many megabytes, a quarter of which is taken by something that can be cleared away. `None`: that takes
    /// root, and the right to mount.
    pub fn start_on_small_disk(megabytes: u32) -> Option<Self> {
        let (user, group) = owner()?;
        let mut server = Self::with_folder(&["max_wal_size=8MB", "min_wal_size=2MB", "max_connections=30"]);
        let script = "mount -t tmpfs -o size=$1m,mode=755 none \"$0\" && head -c $(($1 / 4))M /dev/zero > \"$0/ballast\" && \
                      chown $2:$3 \"$0\" && echo mounted && read -r line";
        let mut holder = Command::new("unshare");
        holder.args(["-m", "sh", "-c", script]).arg(&server.folder);
        holder.args([megabytes.to_string(), user.to_string(), group.to_string()]);
        let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let pipe = holder.stdin.take().expect("a pipe");
        let mut said = [0; 8];
        let is_mounted = holder.stdout.take().expect("a pipe").read_exact(&mut said).is_ok();
        server.small_disk = Some((holder, pipe));
        if !is_mounted {
            return None;
        }
        let arguments = ["-U", "antin", "--auth=trust", "-E", "UTF8", "--no-locale", "--wal-segsize=1", "-D"];
        succeed(server.command("initdb").args(arguments).arg(server.data()));
        server.run();
        Some(server)
    }

    /// Clears away what takes a quarter of the small disk.
    pub fn make_room(&self) {
        let (holder, _) = self.small_disk.as_ref().expect("a small disk");
        let root = PathBuf::from(format!("/proc/{}/root", holder.id()));
        fs::remove_file(root.join(self.folder.strip_prefix("/").expect("an absolute path")).join("ballast"))
            .expect("room");
    }

    /// One of the server's programs, where its disk is seen.
    fn command(&self, name: &str) -> Command {
        let (Some((holder, _)), Some((user, group))) = (&self.small_disk, owner()) else { return command(name) };
        let mut command = Command::new("nsenter");
        command.arg("-m").args(["-t", &holder.id().to_string(), "setpriv", "--clear-groups"]);
        command.args([format!("--reuid={user}"), format!("--regid={group}")]).arg(program(name));
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn with_folder(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("antin-postgres-").tempdir().expect("a folder").keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("its mode");
        if let Some((user, group)) = owner() {
            chown(&folder, Some(user), Some(group)).expect("its owner");
        }
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { port: free_port(), folder, settings, process: None, watcher: None, small_disk: None };
        server.watch();
        server
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Whatever happens to this process, its servers end and their folders go.
    fn watch(&mut self) {
        let script = "trap '' INT TERM HUP; read -r line; \
                      pid=$(head -n 1 \"$0/data/postmaster.pid\" 2>/dev/null) && kill -KILL \"$pid\" $(ps -o pid= --ppid \"$pid\"); \
                      sleep 0.2; rm -rf \"$0\"";
        let mut watcher = Command::new("sh");
        watcher.args(["-c", script]).arg(&self.folder).process_group(0);
        watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut watcher = watcher.spawn().expect("a shell");
        let pipe = watcher.stdin.take().expect("a pipe");
        self.watcher = Some((watcher, pipe));
    }

    /// Starts it, on its port again, and waits until it takes connections.
    pub fn run(&mut self) {
        let started = Instant::now();
        let listen = "listen_addresses=127.0.0.1";
        let common = ["unix_socket_directories=", "fsync=on", "full_page_writes=on", "log_min_messages=fatal", listen];
        loop {
            let mut server = self.command("postgres");
            server.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
            for setting in common.into_iter().chain(self.settings.iter().map(String::as_str)) {
                server.args(["-c", setting]);
            }
            let mut process = server.stderr(Stdio::piped()).process_group(0).spawn().expect("a server");
            while process.try_wait().expect("a process").is_none() {
                if self.answers() {
                    // Nobody reads what it says; nor must it wait for somebody.
                    let mut said = process.stderr.take().expect("a pipe");
                    thread::spawn(move || said.read_to_end(&mut Vec::new()));
                    self.process = Some(process);
                    return;
                }
                assert!(started.elapsed() < PATIENCE, "the server does not answer");
                thread::sleep(Duration::from_millis(30));
            }
            // Processes of the one before may still hold its memory.
            let mut said = String::new();
            let _ = process.stderr.take().expect("a pipe").read_to_string(&mut said);
            assert!(started.elapsed() < PATIENCE, "the server does not start: {said}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn answers(&self) -> bool {
        let port = self.port.to_string();
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && command("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status()
                .is_ok_and(|status| status.success())
    }

    /// SIGKILL to the server and all its processes: what was not on disk is in no memory of its own any more.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let parent = process.id().to_string();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &parent]).output().expect("ps");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        let mut kill = Command::new("kill");
        kill.args(["-KILL", &parent]).args(children.split_whitespace()).stderr(Stdio::null());
        // One of them may have ended by itself.
        let _ = kill.status();
        process.wait().expect("ended");
    }

    /// Sends `STOP` or `CONT` to the server and its processes.
    pub fn signal(&self, name: &str) {
        let parent = self.process.as_ref().expect("a running server").id().to_string();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &parent]).output().expect("ps");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        let mut kill = Command::new("kill");
        kill.args(["-s", name, &parent]).args(children.split_whitespace()).stderr(Stdio::null());
        let _ = kill.status();
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        succeed(command("pg_ctl").args(["promote", "-w", "-D"]).arg(self.data()));
    }

    /// Runs SQL in a database; gives the lines of the answer.
    pub fn psql(&self, database: &str, sql: &str) -> Vec<String> {
        let port = self.port.to_string();
        let arguments =
            ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "antin", "-p", &port];
        let mut psql = command("psql");
        let output =
            psql.args(arguments).args(["-d", database, "-c", sql]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = output.output().expect("psql");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// A new empty database; gives its URL.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://antin@127.0.0.1:{}/{database}", self.port)
    }
}

/// Few connections, for many tests run at one time.
pub fn settings(url: &str) -> PostgresSettings {
    PostgresSettings { connections: 8, ..PostgresSettings::new(url) }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
        if let Some((mut holder, pipe)) = self.small_disk.take() {
            drop(pipe);
            let _ = holder.wait();
        }
        if let Some((mut watcher, pipe)) = self.watcher.take() {
            drop(pipe);
            let _ = watcher.wait();
        }
    }
}
