//! What copies of this program do, to be killed while they do it.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use antin::registry::{Begun, Issued, Registry, RegistryError};

use super::{document_id, intent, issued, open};

/// Tells a copy of this test program what to do; see [`child`].
const CHILD_TASK: &str = "ANTIN_TEST_REGISTRY_TASK";
const CHILD_ADDRESS: &str = "ANTIN_TEST_REGISTRY_ADDRESS";

/// Not a test of its own: what a copy of this program does when a test below started it.
#[test]
fn child() {
    let (Ok(task), Ok(address)) = (std::env::var(CHILD_TASK), std::env::var(CHILD_ADDRESS)) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let registry = open(&address).await;
        match task.as_str() {
            "begin" => {
                assert_eq!(registry.begin(intent(1, "key")).await.expect("begun"), Begun::Fresh);
                say("begun");
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            "sign" => {
                registry.recover().await.expect("recovered");
                let mut signers = tokio::task::JoinSet::new();
                for lane in 0..8 {
                    signers.spawn(sign_on(Arc::clone(&registry), lane));
                }
                signers.join_all().await;
            }
            "fill" => fill(&*registry).await,
            other => panic!("{other}"),
        }
    });
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("\n> {line}\n").as_bytes()).expect("someone reads");
}

/// Signs one key after the other for ever, from the first again in every life; says what it does as it does it.
pub(super) async fn sign_on(registry: Arc<dyn Registry>, lane: u128) {
    for step in 0.. {
        let (key, number) = (format!("{lane}-{step}"), u128::from(std::process::id()) << 64 | lane << 32 | step);
        if registry.begin(intent(number, &key)).await.expect("begun") == Begun::Fresh {
            say(&format!("signed {key}"));
            registry.complete(document_id(number), issued(number)).await.expect("complete");
            say(&format!("released {key} {}", document_id(number)));
        }
    }
}

/// Issues until the store refuses; it must go on answering.
async fn fill(registry: &dyn Registry) {
    for number in 1.. {
        let key = format!("key-{number}");
        let begun = registry.begin(intent(number, &key)).await;
        let large = Issued { signature: vec![0x30; 20_000], ..issued(number) };
        let done = match begun {
            Ok(begun) => {
                assert_eq!(begun, Begun::Fresh);
                registry.complete(document_id(number), large).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => say(&format!("released {key} {}", document_id(number))),
            Err(RegistryError::Unavailable { source }) => {
                say(&format!("refused {source}"));
                assert!(registry.document(document_id(1)).await.expect("reads go on").is_some());
                return;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

pub(super) fn child_command(mut command: Command, task: &str, address: &str) -> Child {
    command.args(["registry::child::child", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD_TASK, task).env(CHILD_ADDRESS, address);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a copy of this program")
}

pub(super) fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program")
}

/// The lines that the child says; kills it (SIGKILL) after as many of them as `deadly` allows.
pub(super) fn listen(mut child: Child, deadly: impl Fn(usize) -> bool) -> Vec<String> {
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = Vec::new();
    for line in output.lines() {
        let line = line.expect("text");
        let Some(words) = line.strip_prefix("> ") else { continue };
        said.push(words.to_owned());
        if deadly(said.len()) {
            child.kill().expect("killed");
        }
    }
    child.wait().expect("ended");
    said
}
