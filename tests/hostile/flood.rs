//! Servers that send without end.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use runner_testkit::fakes::{FakeMySql, FakePostgres, send_forever};
use runner_testkit::watchdog;

use crate::scene::{Scene, at, outcome};

const DEADLINE: Duration = Duration::from_secs(4);

type Talk = fn(&TcpStream) -> io::Result<()>;

/// Nothing grows, nobody else waits, and afterwards no core is busy.
#[track_caller]
fn endure(scene: &Scene, bridge: &str, url: &str) {
    let source = at(bridge, url, 15);
    let jobs = scene.send(&source, 8, DEADLINE);
    let answers = scene.expect_answers(&jobs, DEADLINE * 3);
    for answer in &answers {
        let outcome = outcome(answer);
        assert_ne!(outcome, "INTERNAL");
        assert_ne!(outcome, "done");
    }
    scene.expect_small();
    let before = scene.runner.cpu();
    std::thread::sleep(Duration::from_secs(1));
    let used = scene.runner.cpu() - before;
    assert!(
        used < Duration::from_millis(200),
        "busy afterwards: {used:?}"
    );
}

#[test]
fn postgres() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let talks: [(&str, Talk); 10] = [
        ("a message that is said to be huge", |mut client| {
            client.write_all(&FakePostgres::columns(&[25]))?;
            client.write_all(&FakePostgres::head(b'D', i32::MAX as u32))?;
            send_forever(client, b"x")
        }),
        ("an error that is said to be huge", |mut client| {
            client.write_all(&FakePostgres::head(b'E', i32::MAX as u32))?;
            send_forever(client, b"x")
        }),
        ("notices", |client| {
            let text = b"SNOTICE\0VNOTICE\0C00000\0Mhello\0\0";
            send_forever(client, &FakePostgres::message(b'N', text))
        }),
        ("notifications", |client| {
            send_forever(
                client,
                &FakePostgres::message(b'A', b"\0\0\0\x01channel\0payload\0"),
            )
        }),
        ("parameters", |client| {
            let many: Vec<u8> = (0..2000)
                .flat_map(|n| FakePostgres::message(b'S', format!("p{n}\0{n}\0").as_bytes()))
                .collect();
            send_forever(client, &many)
        }),
        ("garbage", |client| {
            send_forever(client, &[0xff, 0x7f, 0x33, 0x01])
        }),
        ("rows without columns", |mut client| {
            client.write_all(&FakePostgres::columns(&[]))?;
            send_forever(client, &FakePostgres::row(&[]))
        }),
        ("ends of statements", |mut client| {
            client.write_all(&FakePostgres::columns(&[25]))?;
            send_forever(client, &FakePostgres::message(b'C', b"SELECT 1\0"))
        }),
        ("rows that are not what their columns say", |mut client| {
            client.write_all(&FakePostgres::columns(&[23]))?;
            send_forever(client, &FakePostgres::row(&[b"123"]))
        }),
        ("a column count that lies", |mut client| {
            let columns = FakePostgres::message(b'T', &[0x7f, 0xff]);
            client.write_all(&FakePostgres::message(b'1', &[]))?;
            client.write_all(&FakePostgres::message(b'2', &[]))?;
            client.write_all(&columns)?;
            send_forever(client, &FakePostgres::row(&[b"x"]))
        }),
    ];
    for (name, talk) in talks {
        println!("{name}, after the login");
        let scene = Scene::new();
        let server = FakePostgres::start(talk);
        endure(&scene, "postgres", &server.url());
        println!("{name}, at the login");
        let server = FakePostgres::at_login(talk);
        endure(&scene, "postgres", &server.url());
    }
}

#[test]
fn mysql() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let talks: [(&str, Talk); 7] = [
        ("more columns than there are", |mut client| {
            let mut count = vec![0xfe];
            count.extend(u64::MAX.to_le_bytes());
            client.write_all(&FakeMySql::packet(1, &count))?;
            let mut number = 1_u8;
            loop {
                number = number.wrapping_add(1);
                client.write_all(&FakeMySql::column(number, "c"))?;
            }
        }),
        ("sixty-five thousand columns", |mut client| {
            client.write_all(&FakeMySql::packet(1, &[0xfc, 0xff, 0xff]))?;
            let mut number = 1_u8;
            loop {
                number = number.wrapping_add(1);
                client.write_all(&FakeMySql::column(number, &"c".repeat(200)))?;
            }
        }),
        ("packets that never end", |mut client| {
            let largest = vec![b'x'; (1 << 24) - 1];
            let mut number = 0_u8;
            loop {
                number = number.wrapping_add(1);
                let [a, b, c] = [0xff, 0xff, 0xff];
                client.write_all(&[a, b, c, number])?;
                client.write_all(&largest)?;
            }
        }),
        ("garbage", |client| {
            send_forever(client, &[0xff, 0x7f, 0x33, 0x01])
        }),
        ("rows without end", |mut client| {
            client.write_all(&FakeMySql::packet(1, &[1]))?;
            client.write_all(&FakeMySql::column(2, "c"))?;
            client.write_all(&FakeMySql::end(3))?;
            let mut number = 3_u8;
            loop {
                number = number.wrapping_add(1);
                client.write_all(&FakeMySql::packet(number, b"\x01x"))?;
            }
        }),
        ("rows that are cut short", |mut client| {
            client.write_all(&FakeMySql::packet(1, &[1]))?;
            client.write_all(&FakeMySql::column(2, "c"))?;
            client.write_all(&FakeMySql::end(3))?;
            let mut number = 3_u8;
            loop {
                number = number.wrapping_add(1);
                client.write_all(&FakeMySql::packet(number, b"\x70x"))?;
            }
        }),
        ("results without end", |mut client| {
            let mut number = 0_u8;
            loop {
                number = number.wrapping_add(1);
                let more = [0, 0, 0, 10, 0, 0, 0];
                client.write_all(&FakeMySql::packet(number, &more))?;
            }
        }),
    ];
    for (name, talk) in talks {
        println!("{name}, after the login");
        let scene = Scene::new();
        let server = FakeMySql::start(talk);
        endure(&scene, "mysql", &server.url());
        println!("{name}, at the login");
        let server = FakeMySql::at_login(talk);
        endure(&scene, "mysql", &server.url());
    }
}
