"""Texts written for this purpose: questions, other scripts and code, which documentation has little of."""

from __future__ import annotations

QUESTIONS = (
    "how do I reset my password",
    "What is the difference between a virus and a bacterium?",
    "cheap flights from Lisbon to Oslo in March",
    "Why does bread dough need to rest before baking?",
    "best way to remove rust from a bicycle chain",
    "Who wrote the opera that is set on a whaling ship?",
    "is it safe to charge a phone overnight",
    "When should tomatoes be planted outdoors in a cold climate?",
    "how many litres of paint for a room of 20 square metres",
    "Could you tell me where the nearest pharmacy is, please?",
    "symptoms of an overheating laptop",
    "What happens to my contract if the company is sold?",
    "can cats eat cooked rice",
    "How is the height of a mountain measured from a satellite?",
    "train was cancelled, how do I get my money back",
    "Which of the two proofs is shorter, and does it need the axiom of choice?",
    "convert 3 cups of flour to grams",
    "What should I say in a job interview when I don't know the answer?",
    "lost luggage claim deadline international flight",
    "Why is the sky dark at night if there are stars in every direction?",
)

SENTENCES = (
    "The committee postponed its decision because two of the reports contradicted each other.",
    "Our delivery arrived three days late, the box was open, and nobody answered the phone.",
    "I have never enjoyed a concert as much as the one in the old railway station.",
    "Sales rose by 4.2% in the third quarter, mostly thanks to the northern branches.",
    "The room was clean and quiet, but breakfast cost extra and the lift was out of order.",
    "She repaired the clock with a spring taken from a toy and it has kept time ever since.",
    "Absolutely terrible service, I want a refund and an apology.",
    "After the storm the harbour was full of broken masts, and the ferries stayed in port for a week.",
    "The patient reported mild pain in the left knee that increases when climbing stairs.",
    "Mix the dry ingredients first, then add the milk slowly while stirring.",
    "Pursuant to section 12, either party may terminate this agreement with thirty days' written notice.",
    "The new bridge shortens the way to the market by almost an hour.",
)

OTHER_SCRIPTS = (
    "Der Zug nach Leipzig fährt heute von Gleis neun und hat ungefähr zwanzig Minuten Verspätung.",
    "Les enfants ont planté un cerisier derrière l'école, et il a fleuri dès le printemps suivant.",
    "El museo cierra los lunes, pero la biblioteca del mismo edificio está abierta todos los días.",
    "A chuva começou de madrugada e só parou quando já estávamos a chegar à aldeia.",
    "Il pane fatto in casa dura di più se viene avvolto in un panno di lino.",
    "W zimie jezioro zamarza, a mieszkańcy chodzą po nim na skróty do miasta.",
    "Книга лежала на подоконнике, и ветер медленно переворачивал её страницы.",
    "Κάθε πρωί ο ψαράς ελέγχει τα δίχτυα του πριν βγει ο ήλιος.",
    "بدأت القافلة رحلتها قبل الفجر لأن حرارة الصحراء لا تحتمل عند الظهيرة.",
    "הספרייה העירונית מציעה שיעורי ערב בחינם לכל תושבי השכונה.",
    "हर शाम गाँव के लोग बरगद के पेड़ के नीचे बैठकर दिन भर की बातें करते हैं।",
    "春天来了，河边的柳树发芽，孩子们在草地上放风筝。",
    "駅前の小さな喫茶店は、雨の日になるといつもより込み合う。",
    "할머니는 매년 가을이면 마당에서 고추를 말리셨다.",
    "Mùa mưa năm nay đến sớm nên nông dân phải gặt lúa trước khi nước dâng.",
    "Kapal itu berlayar selama tiga hari sebelum melihat daratan.",
    "Sabah erkenden kalkan fırıncı, mahallenin ilk ışığını yakar.",
    "ฝนตกหนักทั้งคืนจนถนนหน้าบ้านกลายเป็นลำธารเล็ก ๆ",
    "Kanisa la zamani lipo juu ya kilima na linaonekana kutoka mbali.",
    "Η τιμή αυξήθηκε κατά 12% μέσα σε έναν χρόνο.",
)

CODE = (
    "def mean(values):\n    return sum(values) / len(values) if values else float('nan')",
    "SELECT name, COUNT(*) AS orders FROM customers JOIN orders USING (customer_id) GROUP BY name HAVING COUNT(*) > 3;",
    "for (let i = 0; i < items.length; i++) { if (items[i].done) total += items[i].price; }",
    "kubectl get pods --namespace search --selector app=proxy -o wide",
    '#include <stdio.h>\nint main(void) { printf("%d\\n", 6 * 7); return 0; }',
    "git log --oneline --since='2 weeks ago' -- src/ | head -n 20",
    '{"id": 17, "tags": ["red", "round"], "price": {"amount": 4.5, "currency": "EUR"}}',
    "impl Iterator for Fibonacci { type Item = u64; fn next(&mut self) -> Option<u64> { Some(self.step()) } }",
    "if err := json.Unmarshal(body, &request); err != nil { http.Error(w, err.Error(), http.StatusBadRequest) }",
    '<a href="/basket" class="button">Go to basket (3)</a>',
    "Traceback (most recent call last): File \"app.py\", line 12, in load KeyError: 'user_id'",
    "^(?:[a-z0-9]+(?:-[a-z0-9]+)*)@example\\.com$",
)

WRITTEN = (*QUESTIONS, *SENTENCES, *OTHER_SCRIPTS, *CODE)

EXTREMES = (
    "",
    " ",
    "a",
    "?",
    "0",
    "🎉",
    "🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃",
    "the " * 600,
    "9" * 400,
    "abcdefghijklmnopqrstuvwxyz" * 20,
    "!" * 300,
    "\u200b\u200c\u200d\ufeff",
    "e\u0301e\u0301e\u0301 \u1e9b\u0323",
    "مرحبا hello 你好 привет नमस्ते " * 20,
    "ALL CAPITALS WITHOUT ANY END " * 15,
    "\n".join(f"{i}; {i * i}; {i % 7}" for i in range(120)),
    "supercalifragilisticexpialidocious" * 6,
    "no. no. no. no. no. " * 60,
)
"""Inputs that nobody writes on purpose and everybody sends some day: told apart from the proof, but never NaN."""
