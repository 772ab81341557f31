-- A ledger as the first released schema wrote it: one plan, filled, stopped, flattened.
BEGIN TRANSACTION;
CREATE TABLE approval (
	seq INTEGER NOT NULL, 
	approval_id TEXT NOT NULL, 
	leg TEXT, 
	content_hash TEXT, 
	venue TEXT NOT NULL, 
	symbol TEXT, 
	side TEXT, 
	reduce_only INTEGER, 
	quantity TEXT, 
	price_low TEXT, 
	price_high TEXT, 
	min_basis TEXT, 
	max_basis TEXT, 
	purposes TEXT NOT NULL, 
	execute_by TEXT, 
	approved_by TEXT NOT NULL, 
	approved_at TEXT NOT NULL, 
	first_attempt INTEGER, 
	last_attempt INTEGER, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES event (seq)
)
 STRICT

;
INSERT INTO "approval" VALUES(6,'plan1-01w','plan1-01w','eee92e91484c61ec','ibkr','MBT','sell',0,'1','9000','11000',NULL,NULL,'work,contingency','2026-11-02T09:15:00+00:00','anna','2026-11-02T09:00:10+00:00',1,20);
INSERT INTO "approval" VALUES(7,'plan1-01h','plan1-01h','6063d320ea071bb4','bitmex','XBTUSD','buy',0,'0.11','7000','9000',NULL,NULL,'hedge,contingency','2026-11-02T09:15:00+00:00','anna','2026-11-02T09:00:10+00:00',1,20);
INSERT INTO "approval" VALUES(25,'flat1',NULL,NULL,'bitmex',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'flatten',NULL,'anna','2026-11-02T09:00:22+00:00',NULL,NULL);
CREATE TABLE cash_flow (
	seq INTEGER NOT NULL, 
	venue TEXT NOT NULL, 
	flow_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	units INTEGER NOT NULL, 
	symbol TEXT, 
	at TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES event (seq)
)
 STRICT

;
INSERT INTO "cash_flow" VALUES(22,'bitmex','f-1','funding','XBT',-1000,'XBTUSD','2026-11-02T09:00:20+00:00');
CREATE TABLE event (
	seq INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq)
)
 STRICT

;
INSERT INTO "event" VALUES(1,'2026-11-02T09:00:00+00:00','InstrumentLoaded','{"instrument":{"id":{"venue":"bitmex","symbol":"XBTUSD"},"terms":{"kind":"inverse","lot":100,"tick":"0.1","multiplier":"1","rounding_unit":100,"maker_fee":"0","taker_fee":"0","initial_margin":"0.01","maintenance_margin":"0.005","expiry":null}}}','8684bacde60b74167f71c96b698b8c2392dd5cb9c43519275a75889b5d60831f');
INSERT INTO "event" VALUES(2,'2026-11-02T09:00:00+00:00','InstrumentLoaded','{"instrument":{"id":{"venue":"ibkr","symbol":"MBT"},"terms":{"kind":"linear","lot":1,"tick":"5","multiplier":"0.1","rounding_unit":1,"maker_fee":"0","taker_fee":"0","initial_margin":"0.01","maintenance_margin":"0.005","expiry":null}}}','519475a7f61e638e87346c5a2fc1d7cb8e4c100235ff2c78c164d009e391f008');
INSERT INTO "event" VALUES(3,'2026-11-02T09:00:00+00:00','PlanProposed','{"spec":{"plan_id":"plan1","kind":"open","direction":"long-inverse","inverse":{"venue":"bitmex","symbol":"XBTUSD"},"linear":{"venue":"ibkr","symbol":"MBT"},"size_xbt":"0.2","tranches":2,"collateral":false,"proposed_by":"anna","min_basis":"100","max_basis":null,"target_delta":"0"}}','32af332735e3573962e0204fd1cd015def1b8bd2ff530f761cf28b8740b4f766');
INSERT INTO "event" VALUES(4,'2026-11-02T09:00:00+00:00','TicketRaised','{"ticket":{"material":{"leg":{"plan_id":"plan1","tranche":1,"role":"w"},"instrument":{"venue":"ibkr","symbol":"MBT"},"side":"sell","reduce_only":false,"quantity":"1","price_low":"9000","price_high":"11000","min_basis":null,"max_basis":null},"contracts":1,"purpose":"open the spread: goes first","circumstances":{"inverse_bid":null,"inverse_ask":null,"inverse_age":null,"linear_bid":null,"linear_ask":null,"linear_age":0.25,"basis":null,"delta_before":"0","delta_after":"-0.1","margin_before":null,"margin_after":null,"cost_if_partner_fails":null},"raised_at":"2026-11-02T09:00:00Z","approve_by":"2026-11-02T09:10:00Z","execute_within":900.0}}','bd36a7de9791c260045384f2bc37929d32aead262718f6522f52333790688bc7');
INSERT INTO "event" VALUES(5,'2026-11-02T09:00:00+00:00','TicketRaised','{"ticket":{"material":{"leg":{"plan_id":"plan1","tranche":1,"role":"h"},"instrument":{"venue":"bitmex","symbol":"XBTUSD"},"side":"buy","reduce_only":false,"quantity":"0.11","price_low":"7000","price_high":"9000","min_basis":null,"max_basis":null},"contracts":1,"purpose":"open the spread: goes first","circumstances":{"inverse_bid":null,"inverse_ask":null,"inverse_age":null,"linear_bid":null,"linear_ask":null,"linear_age":0.25,"basis":null,"delta_before":"0","delta_after":"-0.1","margin_before":null,"margin_after":null,"cost_if_partner_fails":null},"raised_at":"2026-11-02T09:00:00Z","approve_by":"2026-11-02T09:10:00Z","execute_within":900.0}}','08a23db1f95528ff81321d38e6b511392b9bc565851453dbdc23fce8df02a14e');
INSERT INTO "event" VALUES(6,'2026-11-02T09:00:10+00:00','TicketApproved','{"leg":{"plan_id":"plan1","tranche":1,"role":"w"},"content_hash":"eee92e91484c61ec","envelope":{"approval_id":"plan1-01w","instrument":{"venue":"ibkr","symbol":"MBT"},"side":"sell","reduce_only":false,"quantity":"1","price_low":"9000","price_high":"11000","execute_by":"2026-11-02T09:15:00Z","approved_by":"anna","approved_at":"2026-11-02T09:00:10Z","purposes":["work","contingency"],"min_basis":null,"max_basis":null},"first_attempt":1,"last_attempt":20}','3719b5564ae1d5e7ceecb07ed000a955eb4e42ba4d24c5facc1e82bc3de5a395');
INSERT INTO "event" VALUES(7,'2026-11-02T09:00:10+00:00','TicketApproved','{"leg":{"plan_id":"plan1","tranche":1,"role":"h"},"content_hash":"6063d320ea071bb4","envelope":{"approval_id":"plan1-01h","instrument":{"venue":"bitmex","symbol":"XBTUSD"},"side":"buy","reduce_only":false,"quantity":"0.11","price_low":"7000","price_high":"9000","execute_by":"2026-11-02T09:15:00Z","approved_by":"anna","approved_at":"2026-11-02T09:00:10Z","purposes":["hedge","contingency"],"min_basis":null,"max_basis":null},"first_attempt":1,"last_attempt":20}','7de709f3f139773076f84d3cf82b20bccff30289027a91fe5cf9243dbd3ce737');
INSERT INTO "event" VALUES(8,'2026-11-02T09:00:11+00:00','TrancheArmed','{"plan_id":"plan1","tranche":1}','e5db47bde8099358dbcd0c81df219d9641e7faffa5d9f03fdeb89ef531e52e00');
INSERT INTO "event" VALUES(9,'2026-11-02T09:00:05+00:00','AccountOpened','{"venue":"bitmex","cash":{"currency":"XBT","units":500000000}}','071c81a51a32c22b4a26bd131d1ac2d1e0d061d9b67593728262aa920a09c745');
INSERT INTO "event" VALUES(10,'2026-11-02T09:00:05+00:00','AccountOpened','{"venue":"ibkr","cash":{"currency":"USD","units":10000000000000}}','736e19734511614028573c39e9de244a40d20020c971a6e691d69d84383287e3');
INSERT INTO "event" VALUES(11,'2026-11-02T09:00:05+00:00','TradingStateChanged','{"state":"active","by":"anna","reason":"go"}','6eeb0c7bcf8ff987d985ae0606e532ecf0883598f68c901c4559e75166e15e92');
INSERT INTO "event" VALUES(12,'2026-11-02T09:00:12+00:00','OrderIntended','{"request":{"client_order_id":"plan1-01w-001","instrument":{"venue":"ibkr","symbol":"MBT"},"side":"sell","quantity":1,"price":"10000","time_in_force":"ioc","reduce_only":false,"post_only":false,"expires_at":null},"purpose":"work","approval_id":"plan1-01w","leg":{"plan_id":"plan1","tranche":1,"role":"w"}}','94d1278a551a22b1fe92dbd7c4be26a4e89a9c32b930a99b878e854e15c66447');
INSERT INTO "event" VALUES(13,'2026-11-02T09:00:13+00:00','OrderBelieved','{"client_order_id":"plan1-01w-001","belief":"live","venue_order_id":"17","venue_filled":0,"detail":"","tried":true}','ac218603b0c60b790e73b38e24f7ba3c8e2cb9fb73e4e722c898e6ef547c1eb6');
INSERT INTO "event" VALUES(14,'2026-11-02T09:00:13+00:00','FillBooked','{"fill":{"execution_id":"0001.01","instrument":{"venue":"ibkr","symbol":"MBT"},"client_order_id":"plan1-01w-001","venue_order_id":"v1","side":"sell","quantity":1,"price":"10000","at":"2026-11-02T09:00:13Z","fee":null,"liquidity":"unknown"},"foreign":false,"heard_at":"2026-11-02T09:00:13Z"}','5efa6606cfc207a90e49dbed997d048433dd95822d3ce739ce95bb710321445d');
INSERT INTO "event" VALUES(15,'2026-11-02T09:00:13+00:00','OrderIntended','{"request":{"client_order_id":"plan1-01h-001","instrument":{"venue":"bitmex","symbol":"XBTUSD"},"side":"buy","quantity":800,"price":"8000","time_in_force":"ioc","reduce_only":false,"post_only":false,"expires_at":null},"purpose":"hedge","approval_id":"plan1-01h","leg":{"plan_id":"plan1","tranche":1,"role":"h"}}','794ac427e42ed5139b74c50cfad6424aa6490408e5f6667376d67ce634ffbd6e');
INSERT INTO "event" VALUES(16,'2026-11-02T09:00:13.500000+00:00','OrderBelieved','{"client_order_id":"plan1-01w-001","belief":"filled","venue_order_id":"17","venue_filled":1,"detail":"","tried":true}','c1af041fa18fa9060640c02236da8bc36e70ffd76722994e5aebb430b5805739');
INSERT INTO "event" VALUES(17,'2026-11-02T09:00:14+00:00','FillBooked','{"fill":{"execution_id":"b-1","instrument":{"venue":"bitmex","symbol":"XBTUSD"},"client_order_id":"plan1-01h-001","venue_order_id":"v1","side":"buy","quantity":500,"price":"8000","at":"2026-11-02T09:00:14Z","fee":{"currency":"XBT","units":3125},"liquidity":"unknown"},"foreign":false,"heard_at":"2026-11-02T09:00:14Z"}','1fb9727d29d2db340319e2fa63dfe02f239eb3c907d06f1547c39208562a06cb');
INSERT INTO "event" VALUES(18,'2026-11-02T09:00:14+00:00','FillBooked','{"fill":{"execution_id":"b-2","instrument":{"venue":"bitmex","symbol":"XBTUSD"},"client_order_id":"plan1-01h-001","venue_order_id":"v1","side":"buy","quantity":300,"price":"8000.5","at":"2026-11-02T09:00:14Z","fee":{"currency":"XBT","units":1875},"liquidity":"unknown"},"foreign":false,"heard_at":"2026-11-02T09:00:14Z"}','8e437a64361b01f34d2f7d5d8cbf0b2a4a8b8434a5cbaf4ea69dcfbda12b8e25');
INSERT INTO "event" VALUES(19,'2026-11-02T09:00:14+00:00','OrderBelieved','{"client_order_id":"plan1-01h-001","belief":"filled","venue_order_id":"b-17","venue_filled":800,"detail":"","tried":true}','81b5cb81a111229ebb492f1f4491d3bf8fd44c44a2250ca0ff38d34a0fe980ba');
INSERT INTO "event" VALUES(20,'2026-11-02T09:00:15+00:00','CommissionBooked','{"report":{"execution_id":"0001.01","instrument":{"venue":"ibkr","symbol":"MBT"},"fee":{"currency":"USD","units":127000000},"at":"2026-11-02T09:00:00Z"}}','3d6e6924cb522f268c95ebfd8f6f477d2f9c4ee8562359a4de38cad5d16bfbbc');
INSERT INTO "event" VALUES(21,'2026-11-02T09:00:16+00:00','TrancheFinished','{"plan_id":"plan1","tranche":1,"carried_xbt":"-0.0000062"}','6b10c750d3bcfa47d944e725d5e890f961a85d421c45a29d14f3c994cbe7bd02');
INSERT INTO "event" VALUES(22,'2026-11-02T09:00:20+00:00','CashBooked','{"flow":{"flow_id":"f-1","venue":"bitmex","kind":"funding","amount":{"currency":"XBT","units":-1000},"at":"2026-11-02T09:00:20Z","instrument":{"venue":"bitmex","symbol":"XBTUSD"}}}','df1d8b5224e9c47e5e41f89437f229b2aac753fa663bccc5381031423bf2011f');
INSERT INTO "event" VALUES(23,'2026-11-02T09:00:21+00:00','PlanStopping','{"plan_id":"plan1","reason":"cancelled by anna"}','cfaa21a03e9418482b3cec3e1e0607a902d65737e08dfcc3c182855e5deefde1');
INSERT INTO "event" VALUES(24,'2026-11-02T09:00:21+00:00','PlanFinished','{"plan_id":"plan1","status":"stopped","reason":"cancelled by anna"}','505fd13c0a2a9a2ec9dbf07a544c80355870b4fe2d20bbdffb4850116ea4d461');
INSERT INTO "event" VALUES(25,'2026-11-02T09:00:22+00:00','FlattenOrdered','{"flatten_id":"flat1","by":"anna","venues":["bitmex"]}','285dff59d9c58e7264c02a78e62f02ba9f5f43437e8aebea53b6c41fb20e845f');
INSERT INTO "event" VALUES(26,'2026-11-02T09:00:23+00:00','FlattenFinished','{"flatten_id":"flat1","flat":true}','594973046948a7caec6bfd61b58c83e4ece73449318a0dae665a06325ebf3ac8');
INSERT INTO "event" VALUES(27,'2026-11-02T09:00:24+00:00','Alerted','{"code":"LINK_DOWN","text":"bitmex: it''s gone; \"quoted\" and ''quoted''"}','075b739e4c9fc0312a3769828cbc807b2caafadb2aeab545bc043911cf3edb59');
INSERT INTO "event" VALUES(28,'2026-11-02T09:00:25+00:00','Reconciled','{"differences":[]}','5e35b22e44f75b57f121e8391900dddd588a5227d04688f3198dbbc2b261ab1e');
CREATE TABLE fill (
	seq INTEGER NOT NULL, 
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	execution_id TEXT NOT NULL, 
	client_order_id TEXT, 
	venue_order_id TEXT NOT NULL, 
	side TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	price TEXT NOT NULL, 
	liquidity TEXT NOT NULL, 
	at TEXT NOT NULL, 
	heard_at TEXT NOT NULL, 
	"foreign" INTEGER NOT NULL, 
	fee_currency TEXT, 
	fee_units INTEGER, 
	fee_seq INTEGER, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES event (seq)
)
 STRICT

;
INSERT INTO "fill" VALUES(14,'ibkr','MBT','0001.01','plan1-01w-001','v1','sell',1,'10000','unknown','2026-11-02T09:00:13+00:00','2026-11-02T09:00:13+00:00',0,'USD',127000000,20);
INSERT INTO "fill" VALUES(17,'bitmex','XBTUSD','b-1','plan1-01h-001','v1','buy',500,'8000','unknown','2026-11-02T09:00:14+00:00','2026-11-02T09:00:14+00:00',0,'XBT',3125,17);
INSERT INTO "fill" VALUES(18,'bitmex','XBTUSD','b-2','plan1-01h-001','v1','buy',300,'8000.5','unknown','2026-11-02T09:00:14+00:00','2026-11-02T09:00:14+00:00',0,'XBT',1875,18);
CREATE TABLE head (
	id INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "head" VALUES(1,28,'5e35b22e44f75b57f121e8391900dddd588a5227d04688f3198dbbc2b261ab1e');
CREATE TABLE "order" (
	seq INTEGER NOT NULL, 
	client_order_id TEXT NOT NULL, 
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	side TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	price TEXT NOT NULL, 
	time_in_force TEXT NOT NULL, 
	reduce_only INTEGER NOT NULL, 
	purpose TEXT NOT NULL, 
	approval_id TEXT NOT NULL, 
	leg TEXT, 
	belief TEXT NOT NULL, 
	belief_seq INTEGER NOT NULL, 
	venue_order_id TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES event (seq)
)
 STRICT

;
INSERT INTO "order" VALUES(12,'plan1-01w-001','ibkr','MBT','sell',1,'10000','ioc',0,'work','plan1-01w','plan1-01w','filled',16,'17','');
INSERT INTO "order" VALUES(15,'plan1-01h-001','bitmex','XBTUSD','buy',800,'8000','ioc',0,'hedge','plan1-01h','plan1-01h','filled',19,'b-17','');
CREATE TABLE "plan" (
	seq INTEGER NOT NULL, 
	plan_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	inverse TEXT NOT NULL, 
	linear TEXT NOT NULL, 
	size_xbt TEXT, 
	tranches INTEGER NOT NULL, 
	collateral INTEGER NOT NULL, 
	proposed_by TEXT NOT NULL, 
	min_basis TEXT, 
	max_basis TEXT, 
	target_delta TEXT NOT NULL, 
	status TEXT NOT NULL, 
	status_seq INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES event (seq)
)
 STRICT

;
INSERT INTO "plan" VALUES(3,'plan1','open','long-inverse','bitmex:XBTUSD','ibkr:MBT','0.2',2,0,'anna','100',NULL,'0','stopped',24,'cancelled by anna');
CREATE TABLE posting (
	seq INTEGER NOT NULL, 
	line INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	units INTEGER NOT NULL, 
	PRIMARY KEY (seq, line), 
	FOREIGN KEY(seq) REFERENCES event (seq)
)
 STRICT

;
INSERT INTO "posting" VALUES(9,1,'assets:bitmex:cash','XBT',500000000);
INSERT INTO "posting" VALUES(9,2,'equity:opening','XBT',-500000000);
INSERT INTO "posting" VALUES(10,1,'assets:ibkr:cash','USD',10000000000000);
INSERT INTO "posting" VALUES(10,2,'equity:opening','USD',-10000000000000);
INSERT INTO "posting" VALUES(14,1,'assets:ibkr:MBT','USD',100000000000);
INSERT INTO "posting" VALUES(14,2,'equity:exchange','USD',-100000000000);
INSERT INTO "posting" VALUES(14,3,'assets:ibkr:MBT','XBT',-10000000);
INSERT INTO "posting" VALUES(14,4,'equity:exchange','XBT',10000000);
INSERT INTO "posting" VALUES(17,1,'assets:bitmex:XBTUSD','XBT',6250000);
INSERT INTO "posting" VALUES(17,2,'equity:exchange','XBT',-6250000);
INSERT INTO "posting" VALUES(17,3,'assets:bitmex:XBTUSD','USD',-50000000000);
INSERT INTO "posting" VALUES(17,4,'equity:exchange','USD',50000000000);
INSERT INTO "posting" VALUES(17,5,'expenses:fees:bitmex','XBT',3125);
INSERT INTO "posting" VALUES(17,6,'assets:bitmex:cash','XBT',-3125);
INSERT INTO "posting" VALUES(18,1,'assets:bitmex:XBTUSD','XBT',3749766);
INSERT INTO "posting" VALUES(18,2,'equity:exchange','XBT',-3749766);
INSERT INTO "posting" VALUES(18,3,'assets:bitmex:XBTUSD','USD',-30000000000);
INSERT INTO "posting" VALUES(18,4,'equity:exchange','USD',30000000000);
INSERT INTO "posting" VALUES(18,5,'expenses:fees:bitmex','XBT',1875);
INSERT INTO "posting" VALUES(18,6,'assets:bitmex:cash','XBT',-1875);
INSERT INTO "posting" VALUES(20,1,'expenses:fees:ibkr','USD',127000000);
INSERT INTO "posting" VALUES(20,2,'assets:ibkr:cash','USD',-127000000);
INSERT INTO "posting" VALUES(22,1,'assets:bitmex:cash','XBT',-1000);
INSERT INTO "posting" VALUES(22,2,'income:funding:bitmex','XBT',1000);
CREATE TABLE ticket (
	seq INTEGER NOT NULL, 
	ticket_id TEXT NOT NULL, 
	content_hash TEXT NOT NULL, 
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	side TEXT NOT NULL, 
	reduce_only INTEGER NOT NULL, 
	quantity TEXT NOT NULL, 
	price_low TEXT NOT NULL, 
	price_high TEXT NOT NULL, 
	min_basis TEXT, 
	max_basis TEXT, 
	contracts INTEGER NOT NULL, 
	purpose TEXT NOT NULL, 
	raised_at TEXT NOT NULL, 
	approve_by TEXT NOT NULL, 
	status TEXT NOT NULL, 
	status_seq INTEGER NOT NULL, 
	decided_by TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES event (seq)
)
 STRICT

;
INSERT INTO "ticket" VALUES(4,'plan1-01w','eee92e91484c61ec','ibkr','MBT','sell',0,'1','9000','11000',NULL,NULL,1,'open the spread: goes first','2026-11-02T09:00:00+00:00','2026-11-02T09:10:00+00:00','approved',6,'anna','');
INSERT INTO "ticket" VALUES(5,'plan1-01h','6063d320ea071bb4','bitmex','XBTUSD','buy',0,'0.11','7000','9000',NULL,NULL,1,'open the spread: goes first','2026-11-02T09:00:00+00:00','2026-11-02T09:10:00+00:00','approved',7,'anna','');
CREATE INDEX ix_plan_plan_id ON "plan" (plan_id);
CREATE INDEX ix_ticket_ticket_id ON ticket (ticket_id);
CREATE INDEX ix_approval_approval_id ON approval (approval_id);
CREATE INDEX ix_order_client_order_id ON "order" (client_order_id);
CREATE INDEX ix_order_approval_id ON "order" (approval_id);
CREATE INDEX ix_fill_client_order_id ON fill (client_order_id);
CREATE INDEX ix_fill_execution_id ON fill (execution_id);
CREATE INDEX ix_posting_account ON posting (account);
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
COMMIT;
PRAGMA application_id = 1650553705;
PRAGMA user_version = 1;
