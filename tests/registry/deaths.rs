//! Deaths of the process that signs.

use std::{
    collections::{HashMap, HashSet},
    process::Command,
};

use antin::registry::{Begun, DocumentId, RegistryError};

use super::{
    Place,
    child::{child_command, listen, this_program},
    document_id, intent, issue, issued, on_both,
};

on_both!(
    killed_between_intent_and_result_the_state_is_unknown_for_ever,
    killed_at_any_moment_nothing_released_is_lost_and_no_key_signs_twice,
);

async fn killed_between_intent_and_result_the_state_is_unknown_for_ever(place: Place) {
    let said = listen(child_command(Command::new(this_program()), "begin", &place.address()), |lines| lines == 1);
    assert_eq!(said, ["begun"]);

    place.forget_the_dead().await;
    let registry = place.open().await;
    let unknown = Begun::StateUnknown { document_id: document_id(1) };
    assert_eq!(registry.begin(intent(2, "key")).await.expect("begun"), unknown, "before recovery");
    assert_eq!(registry.recover().await.expect("recovered"), [intent(1, "key")]);
    assert_eq!(registry.recover().await.expect("recovered"), [], "told once");
    assert_eq!(registry.begin(intent(2, "key")).await.expect("begun"), unknown, "after recovery");
    let late = registry.complete(document_id(1), issued(1)).await;
    assert!(matches!(late, Err(RegistryError::NotInProgress(_))));
    assert!(matches!(registry.abandon(document_id(1)).await, Err(RegistryError::NotInProgress(_))));
    place.close(registry).await;
    let registry = place.open().await;
    assert_eq!(registry.begin(intent(2, "key")).await.expect("begun"), unknown, "after a restart");
    assert_eq!(registry.begin(intent(2, "another")).await.expect("begun"), Begun::Fresh);
}

async fn killed_at_any_moment_nothing_released_is_lost_and_no_key_signs_twice(place: Place) {
    let mut signed = HashSet::new();
    let mut released = HashMap::new();
    for round in 0..12 {
        let child = child_command(Command::new(this_program()), "sign", &place.address());
        for line in listen(child, |lines| lines == 40 + 17 * round) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["signed", key] => assert!(signed.insert(key.to_owned()), "{key} was signed twice"),
                ["released", key, id] => {
                    released.insert(key.to_owned(), id.parse::<DocumentId>().expect("an id"));
                }
                _ => panic!("{line}"),
            }
        }
    }
    assert!(released.len() > 200, "{} released", released.len());
    place.forget_the_dead().await;
    let registry = place.open().await;
    registry.recover().await.expect("recovered");
    for (key, id) in &released {
        let document = registry.document(*id).await.expect("read").expect("a record of what was released");
        assert_eq!((&document.intent.idempotency_key, document.issued.signature), (key, id.as_bytes().to_vec()));
    }
    for key in &signed {
        let begun = registry.begin(intent(1, key)).await.expect("begun");
        let expected = if released.contains_key(key) {
            matches!(begun, Begun::Replay(_))
        } else {
            // Killed after the signing: recorded and not released, or unknown.
            matches!(begun, Begun::Replay(_) | Begun::StateUnknown { .. })
        };
        assert!(expected, "{key}: {begun:?}");
    }
}

/// The kernel refuses writes beyond a file size (EFBIG): an input/output error for the store.
#[tokio::test]
async fn a_failing_write_is_told_and_nothing_released_is_lost() {
    let place = Place::sqlite();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' 25; ulimit -f 2400; exec \"$0\" \"$@\""]).arg(this_program());
    let said = listen(child_command(shell, "fill", &place.address()), |_| false);
    let (last, before) = said.split_last().expect("words");
    assert!(last.starts_with("refused ") && before.len() > 5, "{said:?}");
    let registry = place.open().await;
    assert!(registry.recover().await.expect("recovered").len() <= 1);
    for line in before {
        let id = line.rsplit(' ').next().and_then(|id| id.parse().ok()).expect("an id");
        assert!(registry.document(id).await.expect("read").is_some(), "{line}");
    }
    issue(&*registry, 1_000_000).await;
}
